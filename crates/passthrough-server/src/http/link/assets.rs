//! What the pages load: one stylesheet, one script, the logo. Named by their content, so that a browser may keep them
//! for good; all of it from here, so that nothing of a third party ever runs on a page that takes in secrets.

use aws_lc_rs::digest;
use bytes::Bytes;
use data_encoding::HEXLOWER;

use crate::config::Brand;
use crate::link::colour::{Colour, READABLE};

/// The card, as the stylesheet has it.
const LIGHT: Colour = Colour::WHITE;
const DARK: Colour = Colour::new(0x16, 0x18, 0x1d);

/// Everything that pages load.
#[derive(Debug, Clone)]
pub struct Assets {
    pub(super) style: Asset,
    pub(super) script: Asset,
    pub(super) logo: Option<Asset>,
    /// In the place of a logo, where browsers show one beside the title: without it they ask for `/favicon.ico`.
    pub(super) icon: Asset,
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Asset {
    /// Its last segment.
    pub name: String,
    pub content_type: &'static str,
    pub bytes: Bytes,
}

impl Assets {
    /// For a brand.
    pub fn new(brand: &Brand) -> Self {
        let colour = brand.colour;
        let style = format!(
            ":root{{--brand:{colour};--brand-label:{};--brand-on-light:{};--brand-on-dark:{}}}\n{}",
            colour.text_on(),
            colour.against(LIGHT, READABLE),
            colour.against(DARK, READABLE),
            include_str!("style.css"),
        );
        let logo = brand.logo.as_ref();
        let icon = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"8\" \
             fill=\"{colour}\"/><path d=\"M9 16h14m-6-6 6 6-6 6\" fill=\"none\" stroke=\"{}\" stroke-width=\"3\"/></svg>",
            colour.text_on(),
        );
        Self {
            style: Asset::new("style", "css", "text/css; charset=utf-8", style.into()),
            script: Asset::new(
                "script",
                "js",
                "text/javascript; charset=utf-8",
                Bytes::from_static(include_bytes!("script.js")),
            ),
            icon: Asset::new("icon", "svg", "image/svg+xml", icon.into()),
            logo: logo.map(|logo| {
                let extension = logo.content_type.split(['/', '+']).nth(1).unwrap_or_default();
                Asset::new("logo", extension, logo.content_type, logo.bytes.clone())
            }),
        }
    }

    /// The one of a name.
    pub(super) fn find(&self, name: &str) -> Option<&Asset> {
        [Some(&self.style), Some(&self.script), self.logo.as_ref(), Some(&self.icon)]
            .into_iter()
            .flatten()
            .find(|asset| asset.name == name)
    }
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, bytes: Bytes) -> Self {
        let hash = HEXLOWER.encode(&digest::digest(&digest::SHA256, &bytes).as_ref()[..8]);
        Self { name: format!("{stem}-{hash}.{extension}"), content_type, bytes }
    }

    /// Where it is.
    pub(super) fn path(&self) -> String {
        format!("/link/assets/{}", self.name)
    }
}
