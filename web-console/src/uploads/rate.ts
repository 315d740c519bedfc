const WINDOW_MS = 6_000;

/** Bytes a second over the last few seconds. */
export class Rate {
  private samples: { at: number; bytes: number }[] = [];

  add(bytes: number, at: number): void {
    this.samples.push({ at, bytes });
  }

  perSecond(now: number): number {
    this.samples = this.samples.filter((sample) => sample.at > now - WINDOW_MS);
    const first = this.samples[0];
    if (!first) return 0;
    const bytes = this.samples.reduce((sum, sample) => sum + sample.bytes, 0);
    return (bytes * 1000) / Math.max(1000, now - first.at);
  }
}
