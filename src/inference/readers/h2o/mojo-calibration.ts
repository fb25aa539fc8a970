import { ModelError } from '../../../api/errors.ts'
import type { Calibration } from '../../scores/calibration.ts'
import { corrupt, numbersOf } from './mojo-head.ts'
import type { MojoInfo } from './mojo-info.ts'
import { JavaStream } from '../java-stream.ts'
import type { Zip } from '../zip.ts'

/** How a model of two classes calibrates its probabilities; null where it does not, as with any other number of classes. */
export function readCalibration(zip: Zip, info: MojoInfo): Calibration | null {
  const method = info.find('calib_method')
  if (method === undefined || info.text('category') !== 'Binomial') return null
  if (method === 'platt') {
    const [slope = NaN, intercept = NaN] = numbersOf(info, 'calib_glm_beta', 2)
    return { method, slope, intercept }
  }
  if (method === 'isotonic') return readIsotonic(zip, info)
  throw new ModelError(
    'model.unsupported',
    `The model calibrates its probabilities by the method ${method}, which is not supported; platt and isotonic are. Train it with calibration_method="PlattScaling".`,
  )
}

function readIsotonic(zip: Zip, info: MojoInfo): Calibration {
  const [least, most] = [info.number('calib_min_x'), info.number('calib_max_x')]
  const [x, y] = [readDoubles(zip, 'calib/thresholds_x'), readDoubles(zip, 'calib/thresholds_y')]
  const isAscending = x.every((each, i) => i === 0 || each >= x[i - 1]!)
  if (x.length === 0 || x.length !== y.length || !isAscending)
    throw corrupt('the thresholds of the calibration are not as many as its values, in ascending order')
  if (least > most || least < x[0]! || most > x.at(-1)!)
    throw corrupt('the thresholds of the calibration do not reach from calib_min_x to calib_max_x')
  return { method: 'isotonic', least, most, x, y }
}

/** An i32 that counts them, and the numbers. */
function readDoubles(zip: Zip, name: string): Float64Array {
  const bytes = zip.read(name)
  const stream = new JavaStream(bytes, name)
  const count = stream.int()
  if (bytes.length !== 4 + 8 * count) throw corrupt(`${name} does not hold the ${count} numbers it announces`)
  return Float64Array.from({ length: count }, () => stream.double())
}
