import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { HttpError } from '../../src/rest/errors.ts'
import { readParts } from '../../src/rest/multipart.ts'

const TYPE = 'multipart/form-data; boundary=b'
const read = (body: string, type = TYPE) =>
  [...readParts(Buffer.from(body, 'latin1'), type)].map((part) => ({
    ...part,
    bytes: part.bytes.toString('latin1'),
  }))

const PART = '--b\r\nContent-Disposition: form-data; name="model"; filename="m.zip"\r\n\r\nx\r\n'

describe('the parts of a form', () => {
  it('are those that another program wrote, whatever their bytes', async () => {
    const content = fc
      .uint8Array()
      .chain((bytes) => fc.constantFrom(bytes, Buffer.from('\r\n--'), Buffer.from('\r\n')))
    await fc.assert(
      fc.asyncProperty(content, content, async (model, probe) => {
        const form = new FormData()
        form.append('model', new Blob([model]), 'm.zip')
        form.append('probe', Buffer.from(probe).toString('hex'))
        const sent = new Response(form)
        const type = sent.headers.get('content-type') ?? ''
        const parts = [...readParts(Buffer.from(await sent.arrayBuffer()), type)]
        expect(parts.map(({ name, file }) => [name, file])).to.deep.equal([
          ['model', 'm.zip'],
          ['probe', null],
        ])
        expect(parts[0]?.bytes.equals(model)).to.equal(true)
        expect(parts[1]?.bytes.toString()).to.equal(Buffer.from(probe).toString('hex'))
      }),
    )
  })

  it('may follow a preamble, have other heads, and names without quotes', () => {
    const head = 'X: y\r\nCONTENT-DISPOSITION:form-data; filename=m.zip; name=model\r\nContent-Type: a/b'
    const body = `hello\r\n--b  \r\n${head}\r\n\r\na\r\n-\r\n--\r\n--b--\r\nbye`
    expect(read(body, 'Multipart/Form-Data; charset=x; boundary="b"')).to.deep.equal([
      { name: 'model', file: 'm.zip', bytes: 'a\r\n-\r\n--' },
    ])
  })

  it('are taken one by one: what is wrong later is not read before', () => {
    const [first] = readParts(Buffer.from(`${PART}--b\r\nbroken`), TYPE)
    expect(first?.name).to.equal('model')
  })

  for (const [what, body, type] of [
    ['is no form', 'x', TYPE],
    ['ends in the middle of a part', PART, TYPE],
    ['ends after a delimiter', `${PART}--b`, TYPE],
    ['begins in the middle of a line', `x${PART}--b--`, TYPE],
    ['has a part without a head', '--b\r\n\r\n--b--', TYPE],
    ['has a part without a name', '--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--', TYPE],
    ['has a head without end', `--b\r\n${'x: y\r\n'.repeat(2000)}\r\n\r\n--b--`, TYPE],
    ['names no boundary', `${PART}--b--`, 'multipart/form-data'],
  ] as const) {
    it(`are refused where the body ${what}`, () => {
      expect(() => read(body, type))
        .to.throw(HttpError, 'no complete multipart/form-data')
        .and.include({ status: 400 })
    })
  }
})
