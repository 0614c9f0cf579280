/** Colours from the limits that the product itself decides by; a changed default changes both. */
import { DEFAULT_POLICY } from "@cloudphoenix/core";
import type { Colours, Words } from "./panel.ts";

const { bands, coverageMin } = DEFAULT_POLICY;

/** Points of a site, coloured by what they ask for. */
export const SCORE_COLOURS: Colours = [
  "green",
  [bands.heal, "yellow"],
  [bands.region, "orange"],
  [bands.dr, "red"],
];

/** Levels as the metric counts them. */
export const LEVEL_WORDS: Words = {
  0: ["none", "green"],
  1: ["heal", "yellow"],
  2: ["region", "orange"],
  3: ["dr", "red"],
};

/** Below the minimum nothing is decided. */
export const COVERAGE_COLOURS: Colours = ["red", [coverageMin, "yellow"], [0.9, "green"]];

/** Lag as its signal is scored: below 5 s nothing, then a point, from 30 s on three. */
export const LAG_COLOURS: Colours = ["green", [5, "yellow"], [30, "red"]];

/** Age of what objects may miss: the default objective, and five times of it. */
export const OBJECT_COLOURS: Colours = ["green", [60, "yellow"], [300, "red"]];

/** The error budget of the services: 99.9 % in a month. Steps are the burn rates of the alerts. */
export const ERROR_COLOURS: Colours = [
  "green",
  [0.001, "yellow"],
  [0.006, "orange"],
  [0.0144, "red"],
];

/** Seconds that are left, as the alerts on expiry see them. */
export const LEFT_COLOURS: Colours = ["red", [2 * 86_400, "yellow"], [14 * 86_400, "green"]];

/** For what must not happen even once. */
export const NONE_COLOURS: Colours = ["green", [1, "red"]];
