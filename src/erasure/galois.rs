//! Arithmetic in GF(2^8) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d).

const fn mul_slow(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        let carry = a & 0x80 != 0;
        a <<= 1;
        if carry {
            a ^= 0x1d;
        }
        b >>= 1;
    }
    product
}

const fn inverses() -> [u8; 256] {
    let mut table = [0; 256];
    let mut a = 1;
    while a < 256 {
        let mut b = 1;
        while mul_slow(a as u8, b as u8) != 1 {
            b += 1;
        }
        table[a] = b as u8;
        a += 1;
    }
    table
}

#[allow(long_running_const_eval)]
static INVERSE: [u8; 256] = inverses();

/// The product of two field elements.
pub(super) fn mul(a: u8, b: u8) -> u8 {
    mul_slow(a, b)
}

/// The inverse of a field element that is not zero.
pub(super) fn inverse(a: u8) -> u8 {
    debug_assert_ne!(a, 0, "zero has no inverse");
    INVERSE[usize::from(a)]
}

/// Products of one constant with every low nibble and every high nibble: `c * x` is
/// `low[x & 15] ^ high[x >> 4]`.
#[derive(Debug, Clone, Copy)]
pub(super) struct NibbleTable {
    pub(super) low: [u8; 16],
    pub(super) high: [u8; 16],
}

impl NibbleTable {
    pub(super) fn of(constant: u8) -> Self {
        let mut table = Self { low: [0; 16], high: [0; 16] };
        for nibble in 0..16u8 {
            table.low[usize::from(nibble)] = mul(constant, nibble);
            table.high[usize::from(nibble)] = mul(constant, nibble << 4);
        }
        table
    }
}

/// Inverts a square matrix by Gauss-Jordan elimination; `None` if it is singular.
pub(super) fn invert(mut matrix: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
    let n = matrix.len();
    let mut result: Vec<Vec<u8>> = (0..n).map(|i| (0..n).map(|j| u8::from(i == j)).collect()).collect();
    for column in 0..n {
        let pivot = (column..n).find(|&row| matrix[row][column] != 0)?;
        matrix.swap(column, pivot);
        result.swap(column, pivot);
        let scale = inverse(matrix[column][column]);
        for j in 0..n {
            matrix[column][j] = mul(matrix[column][j], scale);
            result[column][j] = mul(result[column][j], scale);
        }
        for row in 0..n {
            let factor = matrix[row][column];
            if row == column || factor == 0 {
                continue;
            }
            for j in 0..n {
                let (from_matrix, from_result) = (matrix[column][j], result[column][j]);
                matrix[row][j] ^= mul(factor, from_matrix);
                result[row][j] ^= mul(factor, from_result);
            }
        }
    }
    Some(result)
}
