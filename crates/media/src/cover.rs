//! The cover picture, decoded within limits and made small.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, resize};
use image::{DynamicImage, ImageReader, Limits, Rgb, RgbImage};

use crate::manifest::COVER_SIZES;

/// Longest side of a cover that is read, in pixels.
const MOST_SIDE: u32 = 8_192;

/// Most memory that decoding one may take, in bytes.
const MOST_MEMORY: u64 = 64 << 20;

/// JPEG quality of what we make.
const QUALITY: u8 = 85;

/// One size of a cover.
pub(crate) struct Scaled {
    pub(crate) px: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) jpeg: Vec<u8>,
}

/// Every size of a cover, smallest first, or none if the picture cannot be read: a song does not fail for its
/// cover.
pub(crate) fn scale(bytes: &[u8]) -> Vec<Scaled> {
    catch_unwind(AssertUnwindSafe(|| try_scale(bytes))).ok().flatten().unwrap_or_default()
}

/// Width times height as the picture's header has them; none if it is not a picture of a kind that is read.
pub(crate) fn pixels(bytes: &[u8]) -> Option<u64> {
    let dimensions = catch_unwind(AssertUnwindSafe(|| {
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.into_dimensions().ok()
    }));
    dimensions.ok().flatten().map(|(width, height)| u64::from(width) * u64::from(height))
}

fn try_scale(bytes: &[u8]) -> Option<Vec<Scaled>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut picture = reader.decode().ok()?;
    let full = (picture.width(), picture.height());
    let largest = *COVER_SIZES.last()?;
    if picture.width().max(picture.height()) > 2 * largest {
        // Cheap averaging first: a good filter over a large picture would take many times its memory.
        picture = picture.thumbnail(2 * largest, 2 * largest);
    }
    let mut picture = flatten(picture);
    let mut sizes = Vec::new();
    for px in COVER_SIZES.into_iter().rev() {
        let (width, height) = fitted(full, px);
        if (width, height) != picture.dimensions() {
            picture = resize(&picture, width, height, FilterType::Lanczos3);
        }
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&picture).ok()?;
        sizes.push(Scaled { px, width: picture.width(), height: picture.height(), jpeg });
    }
    sizes.reverse();
    Some(sizes)
}

/// The size within a square of `px`, of the same shape and not enlarged.
fn fitted((width, height): (u32, u32), px: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= px {
        return (width, height);
    }
    let side = |side: u32| {
        ((2 * u64::from(side) * u64::from(px) + u64::from(longest)) / (2 * u64::from(longest))).max(1)
    };
    (side(width) as u32, side(height) as u32)
}

/// Transparent pictures go onto white.
fn flatten(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let rgba = picture.into_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [red, green, blue, alpha] = rgba.get_pixel(x, y).0;
        let over =
            |value: u8| ((u32::from(value) * u32::from(alpha) + 255 * (255 - u32::from(alpha))) / 255) as u8;
        Rgb([over(red), over(green), over(blue)])
    })
}

#[cfg(test)]
mod tests {
    use image::ImageFormat;

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let picture = DynamicImage::new_rgba8(width, height);
        picture.write_to(&mut bytes, ImageFormat::Png).expect("a picture is written to memory");
        bytes.into_inner()
    }

    #[test]
    fn makes_every_size_and_keeps_the_shape() {
        let sizes = scale(&png(2000, 1000));
        let shapes: Vec<_> = sizes.iter().map(|size| (size.px, size.width, size.height)).collect();
        assert_eq!(shapes, [(96, 96, 48), (320, 320, 160), (640, 640, 320)]);
        let decoded = image::load_from_memory(&sizes[0].jpeg).expect("it is a JPEG");
        assert_eq!(decoded.to_rgb8().get_pixel(3, 3).0, [255, 255, 255], "transparent goes onto white");
    }

    #[test]
    fn does_not_enlarge() {
        let shapes: Vec<_> = scale(&png(100, 50)).iter().map(|size| (size.width, size.height)).collect();
        assert_eq!(shapes, [(96, 48), (100, 50), (100, 50)]);
    }

    #[test]
    fn what_is_no_picture_or_too_large_gives_no_cover() {
        assert!(scale(b"").is_empty());
        assert!(scale(b"\x89PNG\r\n\x1a\nbroken").is_empty());
        assert!(scale(&png(8193, 1)).is_empty());
        let whole = png(300, 300);
        assert!(scale(&whole[..whole.len() / 2]).is_empty());
    }
}
