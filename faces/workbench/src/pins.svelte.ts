// What did people mark to come back to? Addresses with a note, kept in the browser for each set of opened things.
import { format, parse, type Address } from "./address";
import { recall, remember } from "./memory";

export interface Pin {
  /** As in the window's address: `#/row?row=17`. */
  address: string;
  note: string;
}

function isPin(x: unknown): x is Pin {
  const { address, note } = (x ?? {}) as Partial<Pin>;
  return typeof address === "string" && address.startsWith("#/") && typeof note === "string";
}

class Pins {
  all = $state.raw<readonly Pin[]>([]);
  #key = "pins";

  /** Those of a set of things. */
  open(titles: readonly string[]): void {
    this.#key = `pins:${[...titles].sort().join("|")}`;
    this.all = recall<unknown[]>(this.#key, []).filter(isPin);
  }

  at(address: Address): Pin | undefined {
    return this.all.find((pin) => pin.address === format(address));
  }

  /** Marks an address, or notes something else about it. */
  put(address: Address, note: string): void {
    const pin = { address: format(address), note };
    const known = this.all.some((other) => other.address === pin.address);
    this.#keep(known ? this.all.map((other) => (other.address === pin.address ? pin : other)) : [...this.all, pin]);
  }

  remove(address: string): void {
    this.#keep(this.all.filter((pin) => pin.address !== address));
  }

  text(): string {
    return JSON.stringify({ schema: "pellucid.pins/1", pins: this.all }, null, 2) + "\n";
  }

  /** How many were new in a file's text. */
  add(text: string): number {
    const { pins } = JSON.parse(text) as { pins: unknown[] };
    const fresh = pins.filter(isPin).map((pin) => ({ address: format(parse(pin.address)), note: pin.note }));
    const added = fresh.filter((pin) => !this.all.some((other) => other.address === pin.address));
    this.#keep([...this.all, ...added]);
    return added.length;
  }

  #keep(pins: readonly Pin[]): void {
    this.all = pins;
    remember(this.#key, pins);
  }
}

export const pins = new Pins();
