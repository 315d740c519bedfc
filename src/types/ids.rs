//! Identities of things inside a deployment.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id128 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub u128);

        impl $name {
            /// Reads 32 hexadecimal digits.
            pub fn parse(text: &str) -> Option<Self> {
                let plain = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
                plain.then(|| u128::from_str_radix(text, 16).ok().map(Self)).flatten()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:032x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:032x})"), self.0)
            }
        }
    };
}

id128! {
    /// One immutable blob: an object's bytes or a part's. Never used twice.
    BlobId
}
id128! {
    /// One drive, for as long as its format lives.
    DriveId
}
id128! {
    /// One deployment: the drives that belong together.
    DeploymentId
}
id128! {
    /// One multipart upload.
    UploadId
}

/// A drive's place in the deployment; manifests name drives by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DriveSlot(pub u16);

/// A part's number, 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PartNumber(u16);

impl PartNumber {
    /// The largest number AWS allows.
    pub const MAX: u16 = 10_000;

    /// `None` outside 1 to 10,000.
    pub fn new(number: u32) -> Option<Self> {
        (1..=u32::from(Self::MAX)).contains(&number).then_some(Self(number as u16))
    }

    /// The number itself.
    pub fn get(self) -> u16 {
        self.0
    }
}
