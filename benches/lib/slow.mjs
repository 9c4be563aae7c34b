/**
 * A slow line in front of a server: 3G, below HTTP, so that it holds for everything that a browser does. Chromium's own
 * emulation does not hold for workers, and counts neither handshakes nor a shared line.
 */
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** 1.6 Mbit/s, each way. */
const BYTES_PER_MS = 200;
/** 150 ms there and back. */
const ONE_WAY_MS = 75;
/** What goes at once; all connections share the line, piece by piece. */
const PIECE_BYTES = 4096;

/** One way of the line. */
class Way {
  /** When it will have carried all that was given to it. */
  #freeAt = 0;

  /** Until it has carried so much more. @param {number} bytes */
  async carry(bytes) {
    const now = performance.now();
    this.#freeAt = Math.max(now, this.#freeAt) + bytes / BYTES_PER_MS;
    await sleep(this.#freeAt - now);
  }
}

/**
 * The same server, far away.
 * @template {{ origin: string, port: number, stop(): Promise<void> }} Running @param {Running} server @returns {Promise<Running>}
 */
export async function farAway(server) {
  const [up, down] = [new Way(), new Way()];
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  const line = createServer((near) => {
    const far = connect(server.port, "127.0.0.1");
    for (const [socket, other] of [[near, far], [far, near]]) {
      sockets.add(socket.setNoDelay());
      // One end that is gone takes the other along.
      socket.on("error", () => other.destroy());
      socket.on("close", () => sockets.delete(socket));
    }
    // A connection is there and back before the first byte goes.
    void pass(near, far, up, 2 * ONE_WAY_MS);
    void pass(far, near, down, 0);
  });
  await new Promise((resolve) => line.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (line.address());
  const stop = async () => {
    line.close();
    for (const socket of sockets) socket.destroy();
    await server.stop();
  };
  return { ...server, origin: `http://127.0.0.1:${port}`, port, stop };
}

/** @param {import("node:net").Socket} from @param {import("node:net").Socket} to @param {Way} way @param {number} firstMs */
async function pass(from, to, way, firstMs) {
  try {
    await sleep(firstMs);
    for await (const bytes of from) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const piece = bytes.subarray(at, at + PIECE_BYTES);
        await way.carry(piece.length);
        // All of them wait alike, so they arrive in their order.
        setTimeout(() => to.write(piece), ONE_WAY_MS);
      }
    }
    setTimeout(() => to.end(), ONE_WAY_MS);
  } catch {
    to.destroy();
  }
}
