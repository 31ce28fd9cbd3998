//! The brand colour, and colours that can be read beside it: contrast by WCAG 2.2 (1.4.3).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The least contrast of text to what is behind it.
pub const READABLE: f64 = 4.5;

/// An opaque colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// A text that is no colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be a colour such as #2557d6")]
pub struct InvalidColour;

impl Colour {
    /// The lightest.
    pub const WHITE: Self = Self::new(255, 255, 255);
    /// The darkest.
    pub const BLACK: Self = Self::new(0, 0, 0);

    /// From its parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// How light it is, 0 to 1.
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            if part <= 0.040_45 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }

    /// How well one is told from the other, 1 to 21.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever can be read on it. One of them always can.
    pub fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= READABLE { Self::WHITE } else { Self::BLACK }
    }

    /// The nearest to it, on the way to black or white, that has `least` contrast to `background`.
    pub fn against(self, background: Self, least: f64) -> Self {
        let end = if background.luminance() < 0.18 { Self::WHITE } else { Self::BLACK };
        let steps = (0..=20).map(|step| self.mixed(end, f64::from(step) / 20.0));
        steps.into_iter().find(|colour| colour.contrast(background) >= least).unwrap_or(end)
    }

    fn mixed(self, other: Self, part: f64) -> Self {
        // A weighted mean of two bytes is a byte.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 255")]
        let mix = |a: u8, b: u8| (f64::from(a) * (1.0 - part) + f64::from(b) * part).round() as u8;
        Self::new(mix(self.red, other.red), mix(self.green, other.green), mix(self.blue, other.blue))
    }
}

impl FromStr for Colour {
    type Err = InvalidColour;

    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        let digits = text.strip_prefix('#').ok_or(InvalidColour)?;
        let full: String = match digits.len() {
            3 => digits.chars().flat_map(|digit| [digit, digit]).collect(),
            _ => digits.to_owned(),
        };
        if full.len() != 6 || !full.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidColour);
        }
        let part = |at: usize| u8::from_str_radix(&full[at..at + 2], 16).map_err(|_| InvalidColour);
        Ok(Self::new(part(0)?, part(2)?, part(4)?))
    }
}

/// As CSS has it.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn contrast_is_that_of_the_guideline() {
        assert!((Colour::WHITE.contrast(Colour::BLACK) - 21.0).abs() < 1e-9);
        let grey: Colour = "#767676".parse().unwrap();
        assert!((grey.contrast(Colour::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn a_colour_is_written_with_three_or_six_digits() {
        assert_eq!("#abc".parse::<Colour>().unwrap().to_string(), "#aabbcc");
        assert_eq!("#0A1b2C".parse::<Colour>().unwrap().to_string(), "#0a1b2c");
        for bad in ["", "#", "abc", "#abcd", "#ggg", "#1234567", "#é1", "red;}"] {
            assert!(bad.parse::<Colour>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_brand_colour_can_be_read(red: u8, green: u8, blue: u8) {
            let brand = Colour::new(red, green, blue);
            prop_assert!(brand.contrast(brand.text_on()) >= READABLE);
            for background in [Colour::WHITE, Colour::new(20, 22, 26)] {
                let legible = brand.against(background, READABLE);
                prop_assert!(legible.contrast(background) >= READABLE);
                // What can be read already is not changed.
                prop_assert!(brand.contrast(background) < READABLE || legible == brand);
            }
        }
    }
}
