//! What a table may hold, and which row a file gets.

use super::*;

fn lines(text: &str) -> Vec<Line> {
    (1..)
        .zip(text.lines())
        .map(|(number, line)| Line {
            number,
            cells: line
                .split(',')
                .map(|cell| Ok(cell.to_owned()))
                .collect(),
        })
        .collect()
}

fn table(text: &str) -> SubjectTable {
    SubjectTable::new(lines(text)).unwrap()
}

/// The faults of a table, by lines and what is wrong.
fn faults(text: &str) -> Vec<String> {
    SubjectTable::new(lines(text))
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn keys(values: &[&str]) -> Vec<Phi<String>> {
    values
        .iter()
        .map(|value| lookup::compared(value))
        .collect()
}

/// The line and subject of a file's row.
fn found(table: &SubjectTable, path: &str, values: &[&str]) -> Result<(u32, String), NoRow> {
    let row = table.find(Some(path), &keys(values))?;
    let subject = table.labels(row).subject.clone();
    Ok((table.line(row), subject.unwrap_or_default()))
}

#[test]
fn a_file_gets_the_row_with_all_its_values() {
    let table = table("patient_id,accession_number,subject,session\n1,A,S1,\n1,B,S1,v2\n2,A,S2,");
    assert_eq!(found(&table, "x", &[" 1", "b "]), Ok((3, "S1".to_owned())));
    assert_eq!(
        found(&table, "x", &["2", "B"]),
        Err(NoRow::NoMatch { near: vec![] })
    );
    assert_eq!(
        found(&table, "x", &["2", ""]),
        Err(NoRow::ValueMissing(vec!["AccessionNumber"]))
    );
    let row = table
        .find(Some("x"), &keys(&["1", "A"]))
        .unwrap();
    assert_eq!(table.labels(row).session, None);
    assert_eq!(table.lines_without(|used| used == row), [3, 4]);
}

#[test]
fn what_comes_near_is_named_by_line_and_never_taken() {
    let table = table("patient_id,subject\n123,S1\n0123,S2\n77,S3\n---,S4");
    assert_eq!(
        found(&table, "x", &["00123"]),
        Err(NoRow::NoMatch { near: vec![2, 3] })
    );
    assert_eq!(
        found(&table, "x", &["+++"]),
        Err(NoRow::NoMatch { near: vec![] })
    );
}

#[test]
fn of_rows_with_the_same_values_the_longest_path_wins() {
    let table = table("path,patient_id,subject\na,1,S1\na/b,1,S2\nc/*,1,S3\nc/?,1,S4\n.,2,S5");
    assert_eq!(found(&table, "a/x", &["1"]), Ok((2, "S1".to_owned())));
    assert_eq!(found(&table, "a/b/x", &["1"]), Ok((3, "S2".to_owned())));
    assert_eq!(found(&table, "any/x", &["2"]), Ok((6, "S5".to_owned())));
    assert_eq!(
        found(&table, "c/d/x", &["1"]),
        Err(NoRow::Several { lines: vec![4, 5] })
    );
    assert_eq!(
        found(&table, "e/x", &["1"]),
        Err(NoRow::OtherPath {
            lines: vec![2, 3, 4, 5]
        })
    );
}

#[test]
fn a_file_that_was_named_itself_has_no_path_to_go_by() {
    let by_path = table("path,patient_id,subject\n1.dcm,1,S1");
    assert_eq!(by_path.find(None, &keys(&["1"])), Err(NoRow::NoFolder));
    let by_value = table("patient_id,subject\n1,S1");
    assert!(
        by_value
            .find(None, &keys(&["1"]))
            .is_ok()
    );
}

#[test]
fn every_fault_is_told_with_its_line_and_without_what_stands_there() {
    let text = "patient_id,path,subject,session\n\
        Doe1,a,S1,\n\
        Doe1,a,S1,\n\
        Doe2,b,S1,\n\
        DOE2 ,./b/,S2,\n\
        ,c,S3,\n\
        Doe3,/c,S3,\n\
        Doe4,d,,\n\
        Doe5,d\n\
        Doe6,e,...,\n\
        Doe7,f,x/y,\n\
        Doe8,f,x:y,\n\
        Doe9,[f,S9,";
    let mut told = faults(text);
    told.sort();
    insta::assert_snapshot!(told.join("\n"), @r"
    line 10: column 3 has no character that a label may hold
    line 13: column 2 is no pattern: a bracket or brace is not closed
    line 6: column 1 is an empty key
    line 7: column 2 is an absolute path: write it relative to the input
    line 8: column 3 is an empty subject
    line 9: it has 2 cells, and the line of names has 4
    lines 11, 12: they give different subjects that come out as one label: characters that labels may not hold are replaced, and long ones are cut
    lines 2, 3: they are the same row
    lines 4, 5: they have the same key and do not give the same
    ");
    assert!(
        !told
            .concat()
            .to_lowercase()
            .contains("doe")
    );
}

#[test]
fn a_table_of_codes_is_read_with_the_same_care() {
    let good = "S{SubjectCode:03},PatientName,PatientBirthDate\n\
        S001,Doe^Jane,19700101\nS1000,roe^rick,19600101";
    let table = table(good);
    assert_eq!(
        found(&table, "x", &["doe^jane ", "19700101"]),
        Ok((2, "S001".to_owned()))
    );
    assert_eq!(
        found(&table, "x", &["New^Neil", "19700101"]),
        Err(NoRow::NoMatch { near: vec![] }),
        "no code is made for it"
    );
    for (text, said) in [
        (
            "S{SubjectCode},PatientID\nS1,",
            "line 2: column 2 is an empty key",
        ),
        (
            "S{SubjectCode},PatientID\nS1,a\nS1,b",
            "lines 2, 3: they have the same code",
        ),
        (
            "S{SubjectCode},PatientID\nS1,a\nS2,A",
            "lines 2, 3: they have the same key",
        ),
        (
            "S{SubjectCode},PatientID\nSx,a",
            "line 2: column 1 is a code",
        ),
        (
            "S{SubjectCode},NoSuchTag\nS1,a",
            "line 1: column 2 has no name",
        ),
        (
            "S{Other},PatientID\nS1,a",
            "line 1: the code format has a name",
        ),
        ("S{SubjectCode}\nS1", "line 1: no keyword"),
        ("S{SubjectCode},PatientID\nS1,a,b", "line 2: it has 3 cells"),
    ] {
        let told = faults(text);
        assert!(told.len() == 1 && told[0].starts_with(said), "{told:?}");
    }
    let empty = SubjectTable::new(lines("S{SubjectCode},PatientID"));
    assert!(empty.is_ok_and(|table| table.is_empty()));
}
