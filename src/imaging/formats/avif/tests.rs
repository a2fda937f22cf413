use proptest::prelude::*;

use super::super::tests::{eight, raster, read};
use super::*;

#[test]
fn zz_dump() {
    for (n, (w,h)) in [(1,1),(3,5),(16,16),(1200,800)].into_iter().enumerate() {
        for alpha in [Alpha::None, Alpha::Straight] {
            let picture = raster((w,h), PixelType::Rgb, alpha);
            for q in [1, 50, 80, 95, 100] {
                let t = std::time::Instant::now();
                let file = encode(&picture, Some(q)).unwrap();
                let e = t.elapsed();
                std::fs::write(format!("/tmp/avifout/{n}-{}-{q}.avif", alpha == Alpha::Straight), &file).unwrap();
                let t = std::time::Instant::now();
                let (header, back) = read(&file).unwrap();
                let d = t.elapsed();
                let worst = eight(&back).iter().zip(eight(&picture)).map(|(a,b)| a.abs_diff(*b)).max();
                let mean = eight(&back).iter().zip(eight(&picture)).map(|(a,b)| f64::from(a.abs_diff(*b))).sum::<f64>() / eight(&back).len() as f64;
                eprintln!("{w}x{h} {alpha:?} q{q}: {} bytes enc {e:?} dec {d:?} worst {worst:?} mean {mean:.2} {:?}", file.len(), header.size);
            }
        }
    }
}
