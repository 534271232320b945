// Package mail turns one e-mail into one touchpoint.
//
//	bytes -> Parse -> Mail -> Rules.Touchpoint -> touchpoint.Touchpoint
//
// # The same mail is the same touchpoint
//
// A mail may come by SMTP today and out of an archive next year, so nothing that differs between two copies may be in
// its touchpoint: not when it arrived, not the trace that servers leave in its head, not whether its lines end with CR
// LF. The id is the Message-ID with a hash of sender and date behind it, so that a sender that gives all its mails one
// Message-ID does not lose them, and nobody takes a Message-ID for himself before its mail has come. A mail without a
// Message-ID is known by its content.
//
// # Threads
//
// A touchpoint carries its own Message-ID and those of its ancestors as threads: what References says, or the first id
// of In-Reply-To where there are no References (RFC 5256). Mails that share one are one conversation. Which mail came first, which
// never came, and which came twice makes no difference, because a union has no order. That is the thread that JWZ's
// algorithm builds, with one exception: where a mail's References name an ancestor that a third mail denies by its own
// References, JWZ believes the third and this package believes both. It never parts what JWZ joins. Subjects join
// nothing.
//
// # Who speaks
//
// Only a human's mail is a message. Automatic replies, reports about delivery, list mail and mail that goes in circles are
// of actor system and of kinds that open, answer and resolve nothing; they stand in a conversation only by their
// threads. What claims to come from the company itself, and by its mail server's word does not, is kept apart from
// every conversation.
package mail
