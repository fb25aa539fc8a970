export { didYouMean } from '../../api/did-you-mean.ts'
