//! CRC-32C, by which Google says what the bytes of a secret or an object were.

/// Castagnoli's polynomial, bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// For each byte what it does to the sum, when so many other bytes of a group of eight follow it.
const TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut sum = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { sum >> 1 ^ POLYNOMIAL } else { sum >> 1 };
            bit += 1;
        }
        tables[0][byte] = sum;
        byte += 1;
    }
    let mut following = 1;
    while following < 8 {
        let mut byte = 0;
        while byte < 256 {
            let sum = tables[following - 1][byte];
            tables[following][byte] = sum >> 8 ^ tables[0][(sum & 0xff) as usize];
            byte += 1;
        }
        following += 1;
    }
    tables
}

/// The sum of these bytes, which follow others whose sum is `before` (0 for none).
pub(crate) fn crc32c(before: u32, bytes: &[u8]) -> u32 {
    let mut sum = !before;
    let mut groups = bytes.chunks_exact(8);
    for group in &mut groups {
        let mut mixed: [u8; 8] = [0; 8];
        mixed.copy_from_slice(group);
        for (byte, of_sum) in mixed.iter_mut().zip(sum.to_le_bytes()) {
            *byte ^= of_sum;
        }
        sum = mixed.iter().zip(TABLES.iter().rev()).fold(0, |sum, (byte, table)| sum ^ table[usize::from(*byte)]);
    }
    for byte in groups.remainder() {
        sum = sum >> 8 ^ TABLES[0][usize::from(sum.to_le_bytes()[0] ^ byte)];
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, section B.4, and the check value of all catalogues.
    #[test]
    fn sums_are_those_of_the_standard() {
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(0, b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(0, &[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(0, &[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(0, &ascending), 0x46dd_794e);
        assert_eq!(crc32c(0, b""), 0);
        assert_eq!(crc32c(crc32c(0, &ascending[..13]), &ascending[13..]), 0x46dd_794e);
    }
}
