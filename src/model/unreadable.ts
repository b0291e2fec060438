// The one way in which every reader of this room says that bytes are not what they should be.

/** Bytes that cannot be read as their format says; `offset` is where, in bytes from the start. */
export class Unreadable extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.name = "Unreadable";
    this.offset = offset;
  }
}

/** Bytes whose reading would take more time or memory than any model's. */
export class Exhausted extends Unreadable {}
