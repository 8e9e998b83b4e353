//! Which instructions does this machine have? Asked once a computation, never in a loop.

/// Which vector instructions a computation may use. Whoever takes one lowers it to what is there ([`Level::or_lower`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// None in particular.
    Portable,
    /// AVX2.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

/// [`Level::Portable`] as a constant that functions are compiled for.
pub const PORTABLE: u8 = Level::Portable as u8;
/// [`Level::Avx2`], likewise.
pub const AVX2: u8 = Level::Avx2 as u8;
/// [`Level::Avx512`], likewise.
pub const AVX512: u8 = Level::Avx512 as u8;

impl Level {
    /// Its name, for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "AVX2",
            Self::Avx512 => "AVX-512",
        }
    }

    /// The best one that this machine has.
    #[must_use]
    pub fn detect() -> Self {
        Self::Avx512.or_lower()
    }

    /// This one where the machine has it, else the best below.
    #[must_use]
    pub fn or_lower(self) -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let has512 = std::arch::is_x86_feature_detected!("avx512f")
                && std::arch::is_x86_feature_detected!("avx512bw")
                && std::arch::is_x86_feature_detected!("avx512dq")
                && std::arch::is_x86_feature_detected!("avx512vl");
            let has2 = std::arch::is_x86_feature_detected!("avx2")
                && std::arch::is_x86_feature_detected!("fma")
                && std::arch::is_x86_feature_detected!("bmi1")
                && std::arch::is_x86_feature_detected!("bmi2")
                && std::arch::is_x86_feature_detected!("lzcnt")
                && std::arch::is_x86_feature_detected!("popcnt");
            if self >= Self::Avx512 && has512 && has2 {
                return Self::Avx512;
            }
            if self >= Self::Avx2 && has2 {
                return Self::Avx2;
            }
        }
        Self::Portable
    }
}
