/** What is asked in the figures of reading: the same for every library, and another query each time. */
import { chance, customers } from "./customers.mjs";

const ASKED = 1000;
const SEED = 70;

/** Names from which lists go on; cities; and names as people type them, half of them with a typo. @type {{ names: string[], cities: string[], texts: string[] }} */
export const QUERIES = { names: [], cities: [], texts: [] };

const random = chance(SEED);
const all = customers(ASKED);
for (let index = 0; index < ASKED; index++) {
  const { name, city } = all[random(ASKED)];
  const words = name.split(" ");
  QUERIES.names.push(name);
  QUERIES.cities.push(city);
  const last = index % 2 ? words[2] : typo(words[2]);
  QUERIES.texts.push([name, `${words[1]} ${last}`, typo(words[1]), words[1].slice(0, 3 + random(3))][index % 4]);
}

/** @param {string} word */
function typo(word) {
  const at = 1 + random(word.length - 2);
  const [before, letter, after] = [word.slice(0, at), word[at], word.slice(at + 1)];
  return [before + after, `${before}x${after}`, `${before}${letter}e${after}`, before + after[0] + letter + after.slice(1)][random(4)];
}

/**
 * Milliseconds of each query, from the call to the records in hand. The page's clock steps 0.1 ms: so short ones are asked several at
 * a time.
 * @param {number} from @param {number} to @param {(index: number) => Promise<unknown> | unknown} ask
 */
export async function timed(from, to, ask) {
  const TOGETHER = 5;
  const times = [];
  for (let index = from; index < to; index++) {
    const begun = performance.now();
    for (let again = 0; again < TOGETHER; again++) await ask((index * TOGETHER + again) % ASKED);
    times.push((performance.now() - begun) / TOGETHER);
  }
  return times;
}
