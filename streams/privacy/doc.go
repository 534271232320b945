// Package privacy takes out of a touchpoint what must not be kept, before anything of it is on the log: fields that a workspace
// drops, hashes or masks, and numbers of cards and bank accounts (IBAN) that somebody wrote into the words.
//
// # What is not obvious
//
//   - Nothing that is kept depends on what was taken out: neither the touchpoint's content, by which it is known again, nor an id
//     that is made of it. Of a card number whose last four digits show, a plain hash would soon tell the rest.
//   - Done twice it changes nothing, so that a dead letter can be sent again: a masked number is none, and a hash is known by its form.
//   - A letter that was refused has no fields yet. What cannot be told apart in it, because it is not JSON or because a name is
//     unknown, is not kept at all where a workspace has rules about fields.
package privacy
