//! Angles: sines that are the same wherever they are computed, which those of C libraries are not.

/// Returns sine and cosine of an angle in degrees: exact at multiples of 90, else within 1e-15,
/// and the same on every platform (a Taylor polynomial on ±45°).
#[must_use]
pub(super) fn sin_cos_degrees(degrees: f64) -> (f64, f64) {
    // IEEE remainders and quarters are exact.
    let turned = degrees % 360.0;
    let quarter = (turned / 90.0).round();
    let x = (turned - quarter * 90.0).to_radians();
    let square = x * x;
    let (mut sin, mut cos) = (0.0, 0.0);
    // 1/19! x^19 is below the last bit at 45°.
    for n in (0..=9_i32).rev() {
        let n = f64::from(n);
        sin = 1.0 - square / ((2.0 * n + 2.0) * (2.0 * n + 3.0)) * sin;
        cos = 1.0 - square / ((2.0 * n + 1.0) * (2.0 * n + 2.0)) * cos;
    }
    let sin = sin * x;
    match quarter.rem_euclid(4.0) {
        1.0 => (cos, -sin),
        2.0 => (-sin, -cos),
        3.0 => (-cos, sin),
        _ => (sin, cos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sines_are_sines() {
        for n in -2000..2000 {
            let degrees = f64::from(n) * 0.37;
            let (sin, cos) = sin_cos_degrees(degrees);
            let (s, c) = degrees.to_radians().sin_cos();
            assert!((sin - s).abs() < 4e-15 && (cos - c).abs() < 4e-15, "{degrees}");
        }
        assert_eq!(sin_cos_degrees(90.0), (1.0, 0.0));
        assert_eq!(sin_cos_degrees(-180.0).1, -1.0);
        assert_eq!(sin_cos_degrees(720.0), (0.0, 1.0));
    }
}
