// The CRC32 of bytes that were checked in pieces.

/** x^32 + x^26 + … + 1 without its first term, the lowest power in the highest bit, as CRC32 has it. */
const polynomial = 0xedb88320;
const one = 0x80000000;

/**
 * CRC32 of two pieces together. Bytes are polynomials over GF(2), and a CRC is their remainder: the
 * first piece stands `length` bytes further left, which is a product with x^(8 · length).
 * @param length bytes of the second piece
 */
export function combineCrc32(first: number, second: number, length: number): number {
  return (multiply(powerOfX(8 * length), first) ^ second) >>> 0;
}

/** x^exponent modulo the polynomial, by squares. */
function powerOfX(exponent: number): number {
  let power = one;
  let square = one >>> 1;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(square, power);
    square = multiply(square, square);
  }
  return power;
}

function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 31; bit >= 0; bit -= 1) {
    if ((a >>> bit) & 1) product ^= shifted;
    shifted = shifted & 1 ? (shifted >>> 1) ^ polynomial : shifted >>> 1;
  }
  return product >>> 0;
}
