// Package mailtext reads what mails and messages say, wherever they come from: HTML as text, a text without the mails it
// quotes, and the ids by which mails answer each other.
package mailtext
