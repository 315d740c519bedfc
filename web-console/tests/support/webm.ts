/** A small film as WebM (Matroska), with an index, so that a browser can seek in it. */
import type { Page } from "@playwright/test";

type Part = Buffer | Buffer[];

/** An element: its id, its length in eight bytes, its content. */
function element(id: number, content: Part): Buffer {
  const body = Array.isArray(content) ? Buffer.concat(content) : content;
  const digits = id.toString(16);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE((1n << 56n) | BigInt(body.length));
  return Buffer.concat([Buffer.from(digits.padStart(digits.length + (digits.length % 2), "0"), "hex"), length, body]);
}

function number(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return element(id, bytes);
}

function float(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return element(id, bytes);
}

const text = (id: number, value: string) => element(id, Buffer.from(value));

const HEADER = element(0x1a45dfa3, [
  number(0x4286, 1),
  number(0x42f7, 1),
  number(0x42f2, 4),
  number(0x42f3, 8),
  text(0x4282, "webm"),
  number(0x4287, 2),
  number(0x4285, 2),
]);

/** A film of pictures that each last a second and stand apart from each other by so many bytes that mean nothing. */
export function webm(pictures: readonly Buffer[], [width, height]: readonly [number, number], apart: number): Buffer {
  const info = element(0x1549a966, [
    number(0x2ad7b1, 1_000_000),
    float(0x4489, pictures.length * 1000),
    text(0x4d80, "test"),
    text(0x5741, "test"),
  ]);
  const video = element(0xe0, [number(0xb0, width), number(0xba, height)]);
  const track = [number(0xd7, 1), number(0x73c5, 1), number(0x83, 1), text(0x86, "V_VP8"), video];
  const tracks = element(0x1654ae6b, element(0xae, track));
  const clusters = pictures.map((picture, second) => {
    // Of track 1, at the cluster's time, a whole picture.
    const block = element(0xa3, [Buffer.from([0x81, 0, 0, 0x80]), picture]);
    return Buffer.concat([
      element(0x1f43b675, [number(0xe7, second * 1000), block]),
      element(0xec, Buffer.alloc(apart)),
    ]);
  });
  const cuesAt = (positions: readonly number[]) =>
    element(
      0x1c53bb6b,
      positions.map((position, second) =>
        element(0xbb, [number(0xb3, second * 1000), element(0xb7, [number(0xf7, 1), number(0xf1, position)])]),
      ),
    );
  // Numbers have a fixed length, so the index is as long whatever it says.
  let position = info.length + tracks.length + cuesAt(pictures.map(() => 0)).length;
  const positions = clusters.map((cluster) => {
    position += cluster.length;
    return position - cluster.length;
  });
  return Buffer.concat([HEADER, element(0x18538067, [info, tracks, cuesAt(positions), ...clusters])]);
}

/** Pictures of one colour each, encoded by the browser. */
export async function pictures(page: Page, colours: readonly string[], size: readonly [number, number]) {
  const encode = async ([colours, [width, height]]: readonly [readonly string[], readonly [number, number]]) => {
    const encoded: string[] = [];
    const encoder = new VideoEncoder({
      output: (chunk) => {
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        encoded.push(btoa(String.fromCharCode(...bytes)));
      },
      error: (error) => {
        throw error;
      },
    });
    encoder.configure({ codec: "vp8", width, height });
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d");
    if (!context) throw new Error("no canvas to draw on");
    for (const [second, colour] of colours.entries()) {
      context.fillStyle = colour;
      context.fillRect(0, 0, width, height);
      const frame = new VideoFrame(canvas, { timestamp: second * 1_000_000 });
      encoder.encode(frame, { keyFrame: true });
      frame.close();
    }
    await encoder.flush();
    return encoded;
  };
  return (await page.evaluate(encode, [colours, size] as const)).map((picture) => Buffer.from(picture, "base64"));
}
