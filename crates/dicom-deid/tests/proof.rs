//! That nothing uncleaned is taken for cleaned is shown by the compiler: these programs are refused.

#[test]
fn what_would_pass_uncleaned_data_on_does_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
