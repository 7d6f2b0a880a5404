//! What looking for text in a picture costs on one core.
//!
//! The budget is 10 milliseconds for 512 by 512 pixels, where the processor has AVX2.

#![allow(clippy::expect_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use text_detector::{Picture, find_text};

fn pictures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("find text");
    for (width, height) in [(512, 512), (1024, 768)] {
        let values: Vec<u8> = (0..width * height)
            .map(|pixel| u8::try_from(pixel * 7 % width * 255 / width).unwrap_or_default())
            .collect();
        let picture = Picture::new(width, height, &values).expect("as many values");
        group.throughput(Throughput::Elements(values.len() as u64));
        group.bench_function(format!("{width} by {height}"), |bencher| {
            bencher.iter(|| find_text(black_box(picture)));
        });
    }
    group.finish();
}

criterion_group!(benches, pictures);
criterion_main!(benches);
