//! MD5's compression function over several independent streams, one per SIMD lane.
//!
//! The arithmetic is written once over `[u32; N]`; compiled with wider vectors enabled it becomes
//! one vector instruction per line. The widest form that the machine has is chosen at run time.

use super::md5::BLOCK_LEN;

/// Streams hashed in lock step at most.
pub(super) const LANES_MAX: usize = 16;

/// From so many streams on, lanes beat one stream after another.
pub(super) const LANES_WORTHWHILE: usize = 2;

type Block = [u8; BLOCK_LEN];

/// The function that runs N lanes over `count` blocks each.
type Kernel<const N: usize> = fn(&mut [[u32; N]; 4], &[&[Block]; N], usize);

/// Runs `count` blocks of each input through the state beside it.
pub(super) fn compress(states: &mut [[u32; 4]], inputs: &[&[Block]], count: usize) {
    let mut start = 0;
    while start < states.len() {
        let left = states.len() - start;
        let group = left.min(LANES_MAX);
        let (states, inputs) = (&mut states[start..start + group], &inputs[start..start + group]);
        match group {
            0..LANES_WORTHWHILE => one_after_another(states, inputs, count),
            LANES_WORTHWHILE..=4 => side_by_side::<4>(kernel_4(), states, inputs, count),
            5..=8 => side_by_side::<8>(kernel_8(), states, inputs, count),
            _ => side_by_side::<16>(kernel_16(), states, inputs, count),
        }
        start += group;
    }
}

fn one_after_another(states: &mut [[u32; 4]], inputs: &[&[Block]], count: usize) {
    for (state, input) in states.iter_mut().zip(inputs) {
        for block in &input[..count] {
            fast_md5::transform(state, block);
        }
    }
}

/// Spreads the states over N lanes; lanes without a stream repeat the first one's work.
fn side_by_side<const N: usize>(
    kernel: Kernel<N>,
    states: &mut [[u32; 4]],
    inputs: &[&[Block]],
    count: usize,
) {
    let mut lanes = [[0u32; N]; 4];
    let mut blocks: [&[Block]; N] = [&inputs[0][..count]; N];
    for (lane, (state, input)) in states.iter().zip(inputs).enumerate() {
        blocks[lane] = &input[..count];
        for (row, word) in lanes.iter_mut().zip(state) {
            row[lane] = *word;
        }
    }
    kernel(&mut lanes, &blocks, count);
    for (lane, state) in states.iter_mut().enumerate() {
        for (row, word) in lanes.iter().zip(state) {
            *word = row[lane];
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    #![allow(unsafe_code)]
    use super::{Block, Kernel, portable};

    macro_rules! widened {
        ($name:ident, $wide:ident, $lanes:literal, $($feature:tt),+) => {
            #[target_feature($(enable = $feature),+)]
            fn $wide(states: &mut [[u32; $lanes]; 4], blocks: &[&[Block]; $lanes], count: usize) {
                portable::<$lanes>(states, blocks, count);
            }

            /// The widened kernel, where this machine has the instructions.
            pub(super) fn $name() -> Option<Kernel<$lanes>> {
                let present = $(std::arch::is_x86_feature_detected!($feature))&&+;
                // SAFETY: the features that the function is compiled with were just detected.
                present.then_some(|states, blocks, count| unsafe { $wide(states, blocks, count) })
            }
        };
    }

    widened!(avx512_16, wide_avx512_16, 16, "avx512f", "avx512vl");
    widened!(avx512_8, wide_avx512_8, 8, "avx512f", "avx512vl");
    widened!(avx512_4, wide_avx512_4, 4, "avx512f", "avx512vl");
    widened!(avx2_16, wide_avx2_16, 16, "avx2");
    widened!(avx2_8, wide_avx2_8, 8, "avx2");
    widened!(avx2_4, wide_avx2_4, 4, "avx2");
}

macro_rules! chosen {
    ($name:ident, $lanes:literal, $wide:ident, $wider:ident) => {
        fn $name() -> Kernel<$lanes> {
            #[cfg(target_arch = "x86_64")]
            {
                x86::$wider().or_else(x86::$wide).unwrap_or(portable::<$lanes>)
            }
            #[cfg(not(target_arch = "x86_64"))]
            {
                portable::<$lanes>
            }
        }
    };
}

chosen!(kernel_4, 4, avx2_4, avx512_4);
chosen!(kernel_8, 8, avx2_8, avx512_8);
chosen!(kernel_16, 16, avx2_16, avx512_16);

/// One step of RFC 1321, section 3.4, in every lane.
macro_rules! step {
    ($round:ident, $a:ident, $b:ident, $c:ident, $d:ident, $m:expr, $shift:literal, $sine:literal) => {
        for lane in 0..N {
            let mixed = $round($b[lane], $c[lane], $d[lane]);
            let sum = $a[lane].wrapping_add(mixed).wrapping_add($m[lane]).wrapping_add($sine);
            $a[lane] = $b[lane].wrapping_add(sum.rotate_left($shift));
        }
    };
}

/// Four steps; the roles of a, b, c and d rotate.
macro_rules! steps {
    ($round:ident, $a:ident $b:ident $c:ident $d:ident, $words:ident,
     [$i0:literal $i1:literal $i2:literal $i3:literal], [$s0:literal $s1:literal $s2:literal $s3:literal],
     [$k0:literal $k1:literal $k2:literal $k3:literal]) => {
        step!($round, $a, $b, $c, $d, $words[$i0], $s0, $k0);
        step!($round, $d, $a, $b, $c, $words[$i1], $s1, $k1);
        step!($round, $c, $d, $a, $b, $words[$i2], $s2, $k2);
        step!($round, $b, $c, $d, $a, $words[$i3], $s3, $k3);
    };
}

#[inline(always)]
fn f(x: u32, y: u32, z: u32) -> u32 {
    (x & y) | (!x & z)
}

#[inline(always)]
fn g(x: u32, y: u32, z: u32) -> u32 {
    (x & z) | (y & !z)
}

#[inline(always)]
fn h(x: u32, y: u32, z: u32) -> u32 {
    x ^ y ^ z
}

#[inline(always)]
fn i(x: u32, y: u32, z: u32) -> u32 {
    y ^ (x | !z)
}

/// The message words of block `index` of every lane, word by word.
#[inline(always)]
fn words<const N: usize>(blocks: &[&[Block]; N], index: usize) -> [[u32; N]; 16] {
    let mut words = [[0u32; N]; 16];
    for (lane, blocks) in blocks.iter().enumerate() {
        let (bytes, _) = blocks[index].as_chunks::<4>();
        for (row, word) in words.iter_mut().zip(bytes) {
            row[lane] = u32::from_le_bytes(*word);
        }
    }
    words
}

/// The compression function in N lanes, in plain arithmetic.
#[rustfmt::skip]
#[inline(always)]
fn portable<const N: usize>(states: &mut [[u32; N]; 4], blocks: &[&[Block]; N], count: usize) {
    for index in 0..count {
        let m = words(blocks, index);
        let [mut a, mut b, mut c, mut d] = *states;
        steps!(f, a b c d, m, [0 1 2 3], [7 12 17 22], [0xd76aa478 0xe8c7b756 0x242070db 0xc1bdceee]);
        steps!(f, a b c d, m, [4 5 6 7], [7 12 17 22], [0xf57c0faf 0x4787c62a 0xa8304613 0xfd469501]);
        steps!(f, a b c d, m, [8 9 10 11], [7 12 17 22], [0x698098d8 0x8b44f7af 0xffff5bb1 0x895cd7be]);
        steps!(f, a b c d, m, [12 13 14 15], [7 12 17 22], [0x6b901122 0xfd987193 0xa679438e 0x49b40821]);
        steps!(g, a b c d, m, [1 6 11 0], [5 9 14 20], [0xf61e2562 0xc040b340 0x265e5a51 0xe9b6c7aa]);
        steps!(g, a b c d, m, [5 10 15 4], [5 9 14 20], [0xd62f105d 0x02441453 0xd8a1e681 0xe7d3fbc8]);
        steps!(g, a b c d, m, [9 14 3 8], [5 9 14 20], [0x21e1cde6 0xc33707d6 0xf4d50d87 0x455a14ed]);
        steps!(g, a b c d, m, [13 2 7 12], [5 9 14 20], [0xa9e3e905 0xfcefa3f8 0x676f02d9 0x8d2a4c8a]);
        steps!(h, a b c d, m, [5 8 11 14], [4 11 16 23], [0xfffa3942 0x8771f681 0x6d9d6122 0xfde5380c]);
        steps!(h, a b c d, m, [1 4 7 10], [4 11 16 23], [0xa4beea44 0x4bdecfa9 0xf6bb4b60 0xbebfbc70]);
        steps!(h, a b c d, m, [13 0 3 6], [4 11 16 23], [0x289b7ec6 0xeaa127fa 0xd4ef3085 0x04881d05]);
        steps!(h, a b c d, m, [9 12 15 2], [4 11 16 23], [0xd9d4d039 0xe6db99e5 0x1fa27cf8 0xc4ac5665]);
        steps!(i, a b c d, m, [0 7 14 5], [6 10 15 21], [0xf4292244 0x432aff97 0xab9423a7 0xfc93a039]);
        steps!(i, a b c d, m, [12 3 10 1], [6 10 15 21], [0x655b59c3 0x8f0ccc92 0xffeff47d 0x85845dd1]);
        steps!(i, a b c d, m, [8 15 6 13], [6 10 15 21], [0x6fa87e4f 0xfe2ce6e0 0xa3014314 0x4e0811a1]);
        steps!(i, a b c d, m, [4 11 2 9], [6 10 15 21], [0xf7537e82 0xbd3af235 0x2ad7d2bb 0xeb86d391]);
        for (row, add) in states.iter_mut().zip([a, b, c, d]) {
            for lane in 0..N {
                row[lane] = row[lane].wrapping_add(add[lane]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All forms the machine has, the portable one included, agree on the same blocks.
    #[test]
    fn portable_and_widened_kernels_agree() {
        let block = |lane: usize| -> Vec<Block> {
            (0..3).map(|n| std::array::from_fn(|byte| (lane * 31 + n * 7 + byte) as u8)).collect()
        };
        let inputs: Vec<Vec<Block>> = (0..16).map(block).collect();
        let views: [&[Block]; 16] = std::array::from_fn(|lane| inputs[lane].as_slice());
        let start: [[u32; 16]; 4] =
            std::array::from_fn(|row| std::array::from_fn(|lane| (row * lane) as u32));
        let mut plain = start;
        portable(&mut plain, &views, 3);
        for lane in 0..16 {
            let mut state = std::array::from_fn(|row| start[row][lane]);
            one_after_another(std::slice::from_mut(&mut state), &[views[lane]], 3);
            assert_eq!(state, std::array::from_fn(|row| plain[row][lane]));
        }
        #[cfg(target_arch = "x86_64")]
        for kernel in [x86::avx2_16(), x86::avx512_16()].into_iter().flatten() {
            let mut wide = start;
            kernel(&mut wide, &views, 3);
            assert_eq!(wide, plain);
        }
    }

    #[test]
    fn any_number_of_streams_agrees_with_single_streams() {
        let data: Vec<Block> = (0..40u8).map(|n| [n.wrapping_mul(37); BLOCK_LEN]).collect();
        for lanes in 0..40 {
            let mut states: Vec<[u32; 4]> = (0..lanes).map(|lane| [lane as u32; 4]).collect();
            let inputs: Vec<&[Block]> = (0..lanes).map(|lane| &data[lane..]).collect();
            let mut expected = states.clone();
            one_after_another(&mut expected, &inputs, 1);
            compress(&mut states, &inputs, 1);
            assert_eq!(states, expected, "{lanes} lanes");
        }
    }

    /// Run with `cargo test --release -- --ignored --nocapture md5_speed`.
    #[test]
    #[ignore = "prints a table, checks nothing"]
    fn md5_speed() {
        let data: Vec<Block> = vec![[7; BLOCK_LEN]; 4096];
        for lanes in [1, 2, 3, 4, 8, 16] {
            let mut states = vec![[1u32; 4]; lanes];
            let inputs: Vec<&[Block]> = vec![&data; lanes];
            let rounds = 2048 / lanes;
            let began = std::time::Instant::now();
            for _ in 0..rounds {
                compress(&mut states, &inputs, data.len());
            }
            let bytes = (rounds * lanes * data.len() * BLOCK_LEN) as f64;
            println!("{lanes:>2} streams: {:.2} GB/s", bytes / began.elapsed().as_secs_f64() / 1e9);
            std::hint::black_box(states);
        }
    }
}
