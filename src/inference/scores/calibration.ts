/** What an H2O model of two classes makes of its probabilities so that they are shares of the cases (`calibrate_model`). */
export type Calibration =
  | { readonly method: 'platt'; readonly slope: number; readonly intercept: number }
  | {
      readonly method: 'isotonic'
      readonly least: number
      readonly most: number
      /** In ascending order, equal ones among them; as many as `y`, at least one, from `least` to `most`. */
      readonly x: Float64Array
      readonly y: Float64Array
    }

/**
 * The calibrated probabilities of both classes, from the model's own: operation by operation as in h2o-genmodel's
 * CalibrationMojoHelper and IsotonicRegressionUtils. NaN stays NaN.
 */
export function calibrate(
  calibration: Calibration,
  [first, second]: readonly Float64Array[],
): readonly Float64Array[] {
  const to = Float64Array.from(second!, (p, row) =>
    calibration.method === 'platt'
      ? 1 / (Math.exp(-(first![row]! * calibration.slope + calibration.intercept)) + 1)
      : interpolate(calibration, p),
  )
  return [to.map((p) => 1 - p), to]
}

function interpolate(
  { least, most, x, y }: Extract<Calibration, { method: 'isotonic' }>,
  given: number,
): number {
  const p = given < least ? least : Math.min(given, most)
  if (Number.isNaN(p)) return NaN
  const at = search(x, snap(x, p))
  if (at >= 0) return y[at]!
  const [above, below] = [-at - 1, -at - 2]
  const slope = (y[above]! - y[below]!) / (x[above]! - x[below]!)
  return y[below]! + slope * (p - x[below]!)
}

/**
 * The threshold that a probability is but for its last bits. Thresholds are probabilities that H2O computed, at which the
 * calibrated one makes a step; the `exp` of V8 and that of Java differ by a bit, which would be a step.
 */
function snap(x: Float64Array, p: number): number {
  const at = search(x, p)
  if (at >= 0) return p
  for (const near of [x[-at - 2], x[-at - 1]])
    if (near !== undefined && Math.abs(near - p) <= LAST_BITS * p) return near
  return p
}

const LAST_BITS = 4 * Number.EPSILON

/** Java's Arrays.binarySearch: which of equal thresholds is found decides the probability. Else −1 − the place of the next larger. */
function search(sorted: Float64Array, wanted: number): number {
  let [low, high] = [0, sorted.length - 1]
  while (low <= high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! < wanted) low = middle + 1
    else if (sorted[middle]! > wanted) high = middle - 1
    else return middle
  }
  return -1 - low
}
