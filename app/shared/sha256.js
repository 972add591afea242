/** SHA-256 of a text: browsers offer theirs only over HTTPS, and a server in a laboratory has none. Pure. */

const primes = /** @type {number[]} */ ([]);
for (let at = 2; primes.length < 64; at += 1) if (primes.every((one) => at % one)) primes.push(at);
/** The first 32 bits behind the point. @param {number} number */
const bits = (number) => ((number - Math.floor(number)) * 2 ** 32) | 0;
const START = primes.slice(0, 8).map((one) => bits(Math.sqrt(one)));
const ROUNDS = primes.map((one) => bits(Math.cbrt(one)));

/** @param {number} word @param {number} by */
const turned = (word, by) => (word >>> by) | (word << (32 - by));

/** In 64 hexadecimal digits. @param {string} text */
export function sha256(text) {
  const bytes = new TextEncoder().encode(text);
  const padded = new DataView(new ArrayBuffer(Math.ceil((bytes.length + 9) / 64) * 64));
  new Uint8Array(padded.buffer).set(bytes);
  padded.setUint8(bytes.length, 0x80);
  padded.setBigUint64(padded.byteLength - 8, BigInt(bytes.length) * 8n);
  const sums = [...START];
  for (let at = 0; at < padded.byteLength; at += 64) {
    mix(sums, wordsOf(padded, at)).forEach((one, place) => (sums[place] = (sums[place] + one) | 0));
  }
  return sums.map((one) => (one >>> 0).toString(16).padStart(8, "0")).join("");
}

/** @param {DataView} padded @param {number} at */
function wordsOf(padded, at) {
  const words = Array.from({ length: 16 }, (_, place) => padded.getInt32(at + 4 * place));
  for (let place = 16; place < 64; place += 1) {
    const [early, late] = [words[place - 15], words[place - 2]];
    const low = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const high = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    words.push((words[place - 16] + low + words[place - 7] + high) | 0);
  }
  return words;
}

/** @param {number[]} sums @param {number[]} words */
function mix(sums, words) {
  let [a, b, c, d, e, f, g, h] = sums;
  words.forEach((word, at) => {
    const choice = (e & f) ^ (~e & g);
    const most = (a & b) ^ (a & c) ^ (b & c);
    const one = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + choice + ROUNDS[at] + word) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + most) | 0;
    [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
  });
  return [a, b, c, d, e, f, g, h];
}
