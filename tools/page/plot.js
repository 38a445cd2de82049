// The parts of Observable Plot that the scripts of a report use; what is not named here is left out.
export {
  plot,
  areaY,
  axisX,
  axisY,
  barX,
  gridX,
  gridY,
  rectY,
  ruleY,
  text,
} from "@observablehq/plot";
