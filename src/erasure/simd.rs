//! The inner loop: multiply a slice by a constant and add it to another.

use super::galois::NibbleTable;

/// Calls the first function where the processor has AVX2, else the second.
macro_rules! with_avx2 {
    ($vector:ident, $portable:ident, $($argument:expr),+) => {{
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, checked on the line above.
            #[allow(unsafe_code)]
            return unsafe { $vector($($argument),+) };
        }
        $portable($($argument),+)
    }};
}

/// `output[i] ^= constant * input[i]`, with the constant given as its table.
pub(super) fn mul_add(table: &NibbleTable, input: &[u8], output: &mut [u8]) {
    assert_eq!(input.len(), output.len(), "shards of one stripe have one length");
    with_avx2!(mul_add_avx2, mul_add_portable, table, input, output)
}

/// `output[i] ^= input[i]`: the constant one.
pub(super) fn xor(input: &[u8], output: &mut [u8]) {
    assert_eq!(input.len(), output.len(), "shards of one stripe have one length");
    with_avx2!(xor_avx2, xor_portable, input, output)
}

#[inline(always)]
fn xor_portable(input: &[u8], output: &mut [u8]) {
    for (out, byte) in output.iter_mut().zip(input) {
        *out ^= byte;
    }
}

/// The compiler makes steps of 32 bytes of it by itself.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn xor_avx2(input: &[u8], output: &mut [u8]) {
    xor_portable(input, output);
}

fn mul_add_portable(table: &NibbleTable, input: &[u8], output: &mut [u8]) {
    for (out, &byte) in output.iter_mut().zip(input) {
        *out ^= table.low[usize::from(byte & 15)] ^ table.high[usize::from(byte >> 4)];
    }
}

/// 32 bytes a step by two table look-ups in a register (`vpshufb`), after Plank, Greenan and Miller,
/// "Screaming fast Galois field arithmetic using Intel SIMD instructions" (FAST 2013).
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn mul_add_avx2(table: &NibbleTable, input: &[u8], output: &mut [u8]) {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_loadu_si256,
        _mm256_set1_epi8, _mm256_shuffle_epi8, _mm256_srli_epi64, _mm256_storeu_si256, _mm256_xor_si256,
    };
    const STEP: usize = 32;
    let whole = input.len() / STEP * STEP;
    // SAFETY: the tables are 16 bytes, and each 32-byte access starts at a multiple of 32 below `whole`,
    // which is within both slices (equal lengths, asserted by the caller). Unaligned access is allowed.
    #[allow(unsafe_code)]
    unsafe {
        let low = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.low.as_ptr().cast()));
        let high = _mm256_broadcastsi128_si256(_mm_loadu_si128(table.high.as_ptr().cast()));
        let mask = _mm256_set1_epi8(15);
        for at in (0..whole).step_by(STEP) {
            let bytes = _mm256_loadu_si256(input.as_ptr().add(at).cast::<__m256i>());
            let target = output.as_mut_ptr().add(at).cast::<__m256i>();
            let from_low = _mm256_shuffle_epi8(low, _mm256_and_si256(bytes, mask));
            let from_high = _mm256_shuffle_epi8(high, _mm256_and_si256(_mm256_srli_epi64(bytes, 4), mask));
            let product = _mm256_xor_si256(from_low, from_high);
            _mm256_storeu_si256(target, _mm256_xor_si256(_mm256_loadu_si256(target), product));
        }
    }
    mul_add_portable(table, &input[whole..], &mut output[whole..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_and_portable_paths_agree_at_every_length() {
        let input: Vec<u8> = (0..200u32).map(|i| (i * 7 + 3) as u8).collect();
        for constant in [0, 1, 2, 0x1d, 0x8e, 255] {
            let table = NibbleTable::of(constant);
            for len in 0..input.len() {
                let (mut fast, mut slow) = (vec![0x5a; len], vec![0x5a; len]);
                mul_add(&table, &input[..len], &mut fast);
                mul_add_portable(&table, &input[..len], &mut slow);
                assert_eq!(fast, slow);
            }
        }
    }
}
