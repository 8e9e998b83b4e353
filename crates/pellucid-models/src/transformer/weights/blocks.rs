//! What numbers are in a block of quantized weights? Formats of GGML, 32 or 256 numbers a block.
//!
//! Follows the block layouts of ggml (`ggml-common.h`); checked against the `gguf` package of Python, type by type.

use super::safetensors::{bf16, f16};

/// How numbers of a tensor are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    F32,
    F16,
    Bf16,
    F64,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
}

impl Packing {
    pub(super) fn of(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            10 => Self::Q2K,
            11 => Self::Q3K,
            12 => Self::Q4K,
            13 => Self::Q5K,
            14 => Self::Q6K,
            28 => Self::F64,
            30 => Self::Bf16,
            _ => return None,
        })
    }

    /// The name that GGML gives it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::F64 => "F64",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q2K => "Q2_K",
            Self::Q3K => "Q3_K",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// Numbers and bytes of a block.
    pub(super) fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::F64 => (1, 8),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q2K => (256, 84),
            Self::Q3K => (256, 110),
            Self::Q4K => (256, 144),
            Self::Q5K => (256, 176),
            Self::Q6K => (256, 210),
        }
    }

    /// Unpacks whole blocks.
    pub(super) fn unpack(self, bytes: &[u8]) -> Vec<f32> {
        let (n, size) = self.block();
        let mut numbers = Vec::with_capacity(bytes.len() / size * n);
        for block in bytes.chunks_exact(size) {
            self.unpack_block(block, &mut numbers);
        }
        numbers
    }

    fn unpack_block(self, block: &[u8], into: &mut Vec<f32>) {
        let half = |at: usize| f16(u16::from_le_bytes([block[at], block[at + 1]]));
        match self {
            Self::F32 => into.push(f32::from_le_bytes([block[0], block[1], block[2], block[3]])),
            Self::F16 => into.push(half(0)),
            Self::Bf16 => into.push(bf16(u16::from_le_bytes([block[0], block[1]]))),
            Self::F64 => {
                into.extend(block.as_chunks().0.iter().map(|eight| f64::from_le_bytes(*eight) as f32));
            }
            Self::Q8_0 => {
                let scale = half(0);
                into.extend(block[2..].iter().map(|&q| scale * f32::from(q as i8)));
            }
            Self::Q4_0 => {
                let scale = half(0);
                nibbles(&block[2..18], |_, q| scale * (f32::from(q) - 8.0), into);
            }
            Self::Q4_1 => {
                let (scale, least) = (half(0), half(2));
                nibbles(&block[4..20], |_, q| scale * f32::from(q) + least, into);
            }
            Self::Q5_0 => {
                let (scale, high) = (half(0), fifth(&block[2..6]));
                nibbles(&block[6..22], |at, q| scale * (f32::from(q | high(at)) - 16.0), into);
            }
            Self::Q5_1 => {
                let (scale, least, high) = (half(0), half(2), fifth(&block[4..8]));
                nibbles(&block[8..24], |at, q| scale * f32::from(q | high(at)) + least, into);
            }
            Self::Q2K => two_bits(block, into),
            Self::Q3K => three_bits(block, into),
            Self::Q4K | Self::Q5K => four_or_five_bits(block, self == Self::Q5K, into),
            Self::Q6K => six_bits(block, into),
        }
    }
}

/// Sixteen low halves, then sixteen high ones.
fn nibbles(packed: &[u8], number: impl Fn(usize, u8) -> f32, into: &mut Vec<f32>) {
    into.extend(packed.iter().enumerate().map(|(at, byte)| number(at, byte & 15)));
    into.extend(packed.iter().enumerate().map(|(at, byte)| number(at + 16, byte >> 4)));
}

/// The fifth bit of each of 32 numbers, at its place.
fn fifth(packed: &[u8]) -> impl Fn(usize) -> u8 {
    let bits = u32::from_le_bytes([packed[0], packed[1], packed[2], packed[3]]);
    move |at| ((bits >> at & 1) << 4) as u8
}

fn two_bits(block: &[u8], into: &mut Vec<f32>) {
    let (scales, packed) = (&block[..16], &block[16..80]);
    let [scale, least] = halves(&block[80..84]);
    for at in 0..256 {
        // Halves of 128 have four parts of 32, two bits of the same bytes each.
        let (half, part, byte) = (at / 128, at % 128 / 32, at % 32);
        let quantum = packed[half * 32 + byte] >> (2 * part) & 3;
        let own = scales[at / 16];
        into.push(scale * f32::from(own & 15) * f32::from(quantum) - least * f32::from(own >> 4));
    }
}

fn three_bits(block: &[u8], into: &mut Vec<f32>) {
    let (high, packed, scales) = (&block[..32], &block[32..96], &block[96..108]);
    let scale = f16(u16::from_le_bytes([block[108], block[109]]));
    for at in 0..256 {
        let (half, part, byte) = (at / 128, at % 128 / 32, at % 32);
        let low = packed[half * 32 + byte] >> (2 * part) & 3;
        let is_high = high[byte] >> (4 * half + part) & 1 == 1;
        let quantum = f32::from(low) - if is_high { 0.0 } else { 4.0 };
        // Sixteen scales of six bits: four low ones in eight bytes, two high ones in four.
        let which = at / 16;
        let four = if which < 8 { scales[which] & 15 } else { scales[which - 8] >> 4 };
        let two = scales[8 + which % 4] >> (2 * (which / 4)) & 3;
        into.push(scale * (f32::from(four | two << 4) - 32.0) * quantum);
    }
}

fn four_or_five_bits(block: &[u8], has_fifth: bool, into: &mut Vec<f32>) {
    let [scale, least] = halves(&block[..4]);
    let scales = &block[4..16];
    let (high, packed) = if has_fifth { (&block[16..48], &block[48..]) } else { (&block[..0], &block[16..]) };
    for at in 0..256 {
        // Each 32 bytes hold two parts of 32 numbers.
        let (part, byte) = (at / 32, at % 32);
        let both = packed[part / 2 * 32 + byte];
        let low = if part % 2 == 0 { both & 15 } else { both >> 4 };
        let fifth = high.get(byte).map_or(0, |bits| (bits >> part & 1) << 4);
        let (own, own_least) = if part < 4 {
            (scales[part] & 63, scales[part + 4] & 63)
        } else {
            (
                scales[part + 4] & 15 | scales[part - 4] >> 6 << 4,
                scales[part + 4] >> 4 | scales[part] >> 6 << 4,
            )
        };
        into.push(scale * f32::from(own) * f32::from(low | fifth) - least * f32::from(own_least));
    }
}

fn six_bits(block: &[u8], into: &mut Vec<f32>) {
    let (low, high, scales) = (&block[..128], &block[128..192], &block[192..208]);
    let scale = f16(u16::from_le_bytes([block[208], block[209]]));
    for at in 0..256 {
        let (half, part, byte) = (at / 128, at % 128 / 32, at % 32);
        let four = low[half * 64 + part % 2 * 32 + byte];
        let four = if part < 2 { four & 15 } else { four >> 4 };
        let two = high[half * 32 + byte] >> (2 * part) & 3;
        let quantum = f32::from(four | two << 4) - 32.0;
        into.push(scale * f32::from(scales[at / 16] as i8) * quantum);
    }
}

fn halves(four: &[u8]) -> [f32; 2] {
    [f16(u16::from_le_bytes([four[0], four[1]])), f16(u16::from_le_bytes([four[2], four[3]]))]
}
