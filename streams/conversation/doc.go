// Package conversation decides which touchpoints of a person belong together, and measures what comes out.
//
// # Which stubs belong together
//
// The conversations of a person are a function of the person's set of stubs, taken in the order of time. Of one millisecond the
// customer's word comes first, then answers, then all else, and last what settles; what is still equal is ordered by key. How and
// when the stubs arrived plays no part. A stub whose kind has effect none is called silent, every other one speaks. A thread whose scheme keeps apart (a ticket) is called apart, every other one (a session) a tie. A stub carries the threads
// that it names, unless it is a mail:
//
//  0. The registry says of a scheme (message-id) which source names by it what its stubs reply to. These stubs are mails: the
//     first of those threads is the mail's name, the others are what it replies to, the nearest first. Of several mails of
//     the set with one name the first has it; every other has one that nobody else knows. A mail carries its name, its
//     other threads, and what it replies to as far as the first that is the name of a mail in the set: that one knows itself
//     what lies beyond. Of two neighbours beyond, a mail's word is taken if no mail in the set has the name of the nearer: they
//     are threads that one stub carries together, though not this one. These are the threads of
//     https://www.jwz.org/doc/threading.html (RFC 5256, THREAD=REFERENCES), where mails do not contradict each other.
//  1. Apart threads that one stub carries together are one story, and so on from thread to thread. All stubs that carry
//     a thread of the story are one conversation. Two stories are never joined.
//  2. Ties that one stub carries together are one bundle, and so on. If a stub carries a tie of the bundle and an
//     apart thread, then the bundle is part of that thread's story; of several such stubs the first decides. Stubs
//     that carry ties and no apart thread belong where their bundle belongs.
//  3. A bundle that is part of no story, and a speaking stub without any thread (a bundle by itself), is placed as a whole
//     when its first stub speaks: into the conversation of the latest speaking stub before, among those that are
//     not settled at that moment and whose latest speaking stub is not longer ago than the window; if there is none, it
//     begins a conversation. Surveys and judgements (effects survey and rated) are about what came before: where the first stub that speaks
//     is one, conversations that are settled are not left out, and a judgement goes first into the conversation of the latest survey, of the 1,000 stubs and
//     the 30 days before it, in whose conversation nobody has judged on the same scale since.
//  4. A story begins a conversation when its first stub speaks. Silent stubs belong to the conversation of their story or
//     bundle, also those before it began; silent stubs of a thread in which nobody speaks, or without thread, belong to
//     none.
//
// A conversation is settled at a moment if among the speaking stubs before, the last that settles or unsettles settles:
// resolve and close settle; an inbound message or call, reopen and awaiting unsettle. So a message in the thread of a
// resolved ticket reopens it, while a message that merely comes soon after begins anew.
//
// A conversation is named by the key of its first stub.
//
// # What is measured
//
// Durations are measured by intervals, which go along with the row so that promises can be read from them by any calendar and with
// any target, later: waits, in which the customer waited for a human's answer; pauses, in which nothing was up to us, because the customer had
// an agent's answer, was asked for something, or the matter was settled; turns, which say whose it was; and the states that it came
// through. A bot's answer begins no pause: a promise that bots keep is none. But the customer has the ball then, as the states say,
// and does not wait for us: what is told of the customer's waiting leaves that time out.
//
// One thing is said of other conversations: when the customer got in touch again about the same topic. That is the earliest of the customer's first words
// in conversations in which they spoke for the first time later than in this one and, if this one is settled, of their words in any since it was. Conversations
// without a topic have one in common. Whether that was soon enough to call a matter unresolved is for who asks to say.
//
// The customer gets in touch by the first message or call, by one that follows an answer or a settlement, and by the first in each further channel that they turn to
// before an answer; not by one that goes on in the session of the last, in whatever channel.
//
// A contact costs by its channel: one that goes on by another channel, because the customer changes or an agent answers there, is a contact
// there too. Agents are on the phone from the last start of a call to its end, if an agent made either known.
//
// # Homes
//
// [Homes] is the state of one partition of touchpoints.by-person: the stubs of the anchors whose home it is, and the sets of
// the persons whose home it is. It is a function of the partition's prefix: see homes.go for how stubs travel when
// anchors move. Drive it so: Apply every record in order, Flush whenever a batch ends. What Flush gives out covers
// everything that any record since the last Flush has changed, even what later records changed back, since an earlier
// owner of the partition may have flushed in between and written it down.
package conversation
