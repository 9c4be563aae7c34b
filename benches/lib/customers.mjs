/**
 * The customers that every figure is measured on: the same ones, from a seed, for servers and pages alike. As JSON the
 * fields of one have about 375 bytes.
 */

/** @typedef {{ code: string, name: string, segment: string, city: string, address: string, phone: string, email: string, contact: string, tags: string[], visits: number, last_visit: number, next_visit: string, notes: string }} Customer */

const SEED = 20_261_121;
const FORMS = ["Toko", "Warung", "CV", "PT", "UD", "Kopi"];
const FIRST = ["Maju", "Sumber", "Sinar", "Berkah", "Karya", "Mitra", "Cahaya", "Anugerah", "Jaya", "Bintang"];
const SECOND = ["Abadi", "Makmur", "Sejahtera", "Mandiri", "Lestari", "Sentosa", "Utama", "Bersama", "Indah", "Raya"];
const CITIES = ["Jakarta", "Bandung", "Surabaya", "Semarang", "Medan", "Denpasar", "Makassar", "Yogyakarta"];
const STREETS = ["Jalan Merdeka", "Jalan Sudirman", "Jalan Diponegoro", "Jalan Gatot Subroto", "Jalan Ahmad Yani"];
const PEOPLE = ["Budi Santoso", "Sari Wulandari", "Ahmad Hidayat", "Dewi Lestari", "Agus Prasetyo", "Rina Kusuma"];
const SEGMENTS = ["retail", "horeca", "office", "industry", "government"];
const TAGS = ["vip", "new", "monthly", "cash", "credit"];
const NOTES = "Closed on Friday afternoon; deliveries through the back gate.";
const START_MS = Date.UTC(2026, 0, 1);
const DAY_MS = 86_400_000;

/** Numbers below `count`, the same from the same seed (mulberry32). @param {number} seed @returns {(count: number) => number} */
export function chance(seed) {
  let state = seed >>> 0;
  return (count) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * count);
  };
}

/** @param {number} count @returns {(Customer & { id: string })[]} */
export function customers(count) {
  const random = chance(SEED);
  const one = (/** @type {string[]} */ list) => list[random(list.length)];
  return Array.from({ length: count }, (_, index) => {
    const [form, first, second, city] = [one(FORMS), one(FIRST), one(SECOND), one(CITIES)];
    return {
      id: uuidOf(index, random),
      code: `JKT-${String(index + 1).padStart(5, "0")}`,
      name: `${form} ${first} ${second}`,
      segment: one(SEGMENTS),
      city,
      address: `${one(STREETS)} No. ${1 + random(200)}, ${city}`,
      phone: `+628${1_100_000_000 + random(899_999_999)}`,
      email: `${first.toLowerCase()}.${second.toLowerCase()}${index}@toko.example`,
      contact: one(PEOPLE),
      tags: [one(TAGS)],
      visits: random(40),
      last_visit: START_MS + random(300) * DAY_MS,
      next_visit: dayOf(300 + random(60)),
      notes: NOTES,
    };
  });
}

/**
 * What is written in the change of a customer: two fields, as after a visit. `word` is found again on the server.
 * @param {number} index @param {string} word
 */
export function changeOf(index, word) {
  return { contact: `${PEOPLE[index % PEOPLE.length]} (${word})`, next_visit: dayOf(400 + (index % 60)) };
}

/** @param {number} day */
function dayOf(day) {
  return new Date(START_MS + day * DAY_MS).toISOString().slice(0, 10);
}

/** Of version 7, so that ids of one day stand together, as devices make them. @param {number} index @param {(count: number) => number} random */
function uuidOf(index, random) {
  const time = (START_MS + index * 1000).toString(16).padStart(12, "0");
  const part = (/** @type {number} */ digits) => random(16 ** digits).toString(16).padStart(digits, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${part(3)}-8${part(3)}-${part(6)}${part(6)}`;
}
