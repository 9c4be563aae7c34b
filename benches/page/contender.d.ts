/** What the page side of a library can do; each file beside this one is one, and opens itself when it is told. */
export interface Contender {
  /** Opens the database of this page's profile. */
  open(options: Options): Promise<void>;
  /** Pulls everything into the empty database; gives back how long that took. */
  pull(): Promise<number>;
  /** Saves changes of the first `count` customers, on this device only and each a change of its own. */
  queue(count: number, word: string): Promise<void>;
  /** Waits until the network is back, sends what waits, and gives back how long after that all of it was confirmed. */
  drain(): Promise<number>;
}
export interface Options {
  /** How many customers the server has. */
  total: number;
  /** How many documents go at once, for those that are told. */
  batch?: number;
  username: string;
  password: string;
}
