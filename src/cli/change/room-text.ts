// What a plan does to the free room of nodes, as people read it. Pure.
import type { FreeRoom, NodeForecast } from "../../apply/free-room.ts";
import { formatCpu } from "../../model/quantity.ts";
import { roundedMemory } from "../../scheduler/filters.ts";

/** So many nodes are shown, the rest is counted. */
const shownNodesLimit = 10;

/** `Free room:` and a line for each node on which what is free changes; "" where none does. That more pods reserve nothing is no news. */
export function roomText(nodes: readonly NodeForecast[]): string {
  const changed = nodes.filter(({ before, after }) => resourcesText(before, after).length > 0);
  if (changed.length === 0) return "";
  const lines = changed.slice(0, shownNodesLimit).map(({ name, before, after }) => {
    const pods = before.pods === after.pods ? [] : [`pods ${before.pods} → ${after.pods}`];
    return `  ${name}: ${[...resourcesText(before, after), ...pods].join(", ")}`;
  });
  const rest = changed.length - lines.length;
  if (rest > 0) lines.push(`  and ${rest} more ${rest === 1 ? "node" : "nodes"} (-o json names all)`);
  return ["Free room:", ...lines].join("\n");
}

function resourcesText(before: FreeRoom, after: FreeRoom): string[] {
  return [
    ...change("cpu", formatCpu(before.cpuMilli), formatCpu(after.cpuMilli)),
    ...change("memory", roundedMemory(before.memoryBytes), roundedMemory(after.memoryBytes)),
  ];
}

function change(what: string, before: string, after: string): string[] {
  return before === after ? [] : [`${what} ${before} → ${after}`];
}
