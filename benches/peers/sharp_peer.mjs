// sharp: one thread, one process a core, requests as lines on standard input.
import { createInterface } from "node:readline";
import sharp from "sharp";

sharp.concurrency(1);
sharp.cache(false);

const inside = (source, side) =>
  sharp(source, { limitInputPixels: false }).resize(side, side, { fit: "inside", withoutEnlargement: true });
const clear = { r: 0, g: 0, b: 0, alpha: 0 };
const tile = { fit: "contain", background: clear, withoutEnlargement: true };

// Every reply from the file: what most programs do.
async function four(source, to) {
  await inside(source, 2000).jpeg({ quality: 85 }).toFile(`${to}-1.jpg`);
  await inside(source, 1200).webp({ quality: 80 }).toFile(`${to}-2.webp`);
  await inside(source, 500).jpeg({ quality: 85 }).toFile(`${to}-3.jpg`);
  await sharp(source, { limitInputPixels: false }).ensureAlpha().resize(200, 200, tile).png().toFile(`${to}-4.png`);
}

// Decoded once: the smaller replies are made of the largest, as a careful programmer would.
async function once(source, to) {
  const { data, info } = await inside(source, 2000).raw().toBuffer({ resolveWithObject: true });
  const raw = { raw: { width: info.width, height: info.height, channels: info.channels } };
  const smaller = (side) => sharp(data, raw).resize(side, side, { fit: "inside", withoutEnlargement: true });
  await sharp(data, raw).jpeg({ quality: 85 }).toFile(`${to}-1.jpg`);
  await smaller(1200).webp({ quality: 80 }).toFile(`${to}-2.webp`);
  await smaller(500).jpeg({ quality: 85 }).toFile(`${to}-3.jpg`);
  await sharp(data, raw).ensureAlpha().resize(200, 200, tile).png().toFile(`${to}-4.png`);
}

const work = {
  W1: (source, to) => inside(source, 1200).jpeg({ quality: 85 }).toFile(`${to}.jpg`),
  W2: (source, to) => inside(source, 200).jpeg({ quality: 85 }).toFile(`${to}.jpg`),
  W3: (source, to) => inside(source, 1600).png().toFile(`${to}.png`),
  W4: (source, to) => inside(source, 1200).webp({ quality: 80 }).toFile(`${to}.webp`),
  W5: (source, to) => sharp(source, { limitInputPixels: false }).jpeg({ quality: 85 }).toFile(`${to}.jpg`),
  W6: (source, to) => inside(source, 1200).sharpen({ sigma: 1 }).jpeg({ quality: 85 }).toFile(`${to}.jpg`),
  W8: (source, to) => inside(source, 1200).toColourspace("srgb").jpeg({ quality: 85 }).toFile(`${to}.jpg`),
  W9: (source, to, quality) => inside(source, 1200).avif({ quality, effort: 0 }).toFile(`${to}.avif`),
  W10: four,
  "W10-once": once,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { work: which, source, to, quality } = JSON.parse(line);
  await work[which](source, to, quality);
  process.stdout.write("\n");
}
