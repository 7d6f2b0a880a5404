//! From luminance and colour differences to red, green and blue (PS3.3 section C.7.6.3.1.2,
//! `YBR_FULL`).

/// Converts pixels of 8-bit samples side by side, in place.
pub(super) fn to_rgb(pixels: &mut [u8]) {
    const RED_BY_CR: f32 = 1.402;
    const BLUE_BY_CB: f32 = 1.772;
    const GREEN_BY_CB: f32 = -0.114 * 1.772 / 0.587;
    const GREEN_BY_CR: f32 = -0.299 * 1.402 / 0.587;
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(f32::from);
        let (cb, cr) = (cb - 128.0, cr - 128.0);
        *pixel = [
            y + RED_BY_CR * cr,
            y + GREEN_BY_CB * cb + GREEN_BY_CR * cr,
            y + BLUE_BY_CB * cb,
        ]
        .map(rounded);
    }
}

// The number is clamped to what a byte holds.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn rounded(value: f32) -> u8 {
    (value + 0.5).floor().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn converts_the_corners_of_the_colour_space() {
        let mut pixels = [
            0, 128, 128, 255, 128, 128, 76, 85, 255, 150, 44, 21, 29, 255, 107,
        ];
        to_rgb(&mut pixels);
        assert_eq!(
            pixels,
            [0, 0, 0, 255, 255, 255, 254, 0, 0, 0, 255, 1, 0, 0, 254]
        );
    }
}
