import { OPTIONAL_STRING, type Schema, type Value } from 'sluice'

const OPTIONAL_INT32: Schema = { type: 'INT32', optional: true, default: null }

const NUMBERS = ['Month', 'DayofMonth', 'DayOfWeek', 'CRSDepTime', 'CRSArrTime', 'Distance']
const STRINGS = ['UniqueCarrier', 'Origin', 'Dest']
export const FLIGHT: Schema = {
  type: 'STRUCT',
  optional: false,
  name: 'Flight',
  fields: [
    ...NUMBERS.map((name) => ({ name, schema: OPTIONAL_INT32 })),
    ...STRINGS.map((name) => ({ name, schema: OPTIONAL_STRING })),
  ],
}

/** The fields of a flight whose airports are called otherwise: `fields` says how. */
export const LEG: Schema = {
  ...FLIGHT,
  fields: [
    ...(FLIGHT.fields ?? []).filter(({ name }) => name !== 'Origin' && name !== 'Dest'),
    ...['from', 'to'].map((name) => ({ name, schema: OPTIONAL_STRING })),
  ],
}
export const LEG_FIELDS = 'Origin:from,Dest:to'

/** A flight from Newark to Nashville; what is not given is as on that day. */
export function flight(values: Readonly<Record<string, Value>> = {}): Readonly<Record<string, Value>> {
  const when = { Month: 4, DayofMonth: 2, DayOfWeek: 2, CRSDepTime: 1540, CRSArrTime: 1709 }
  return { ...when, Distance: 748, UniqueCarrier: 'EV', Origin: 'EWR', Dest: 'BNA', ...values }
}

/** The same flight with its airports in `from` and `to`. */
export function leg(): Readonly<Record<string, Value>> {
  const { Origin: from = null, Dest: to = null, ...rest } = flight()
  return { ...rest, from, to }
}
