// Package identity decides who is who. It has no clock, no network and no state but what it is given: rules are data, and
// who is who is a function of the rules and of the log of links.
//
//   - Rules say which identifiers there are, how they are written, what of them means nobody, and how much one person may have
//     of each. They give a touchpoint its anchor.
//   - A Stitcher turns touchpoints into links: what they say of which identifiers belong together. It judges nothing.
//   - A Resolver turns the links of a workspace, and what users say, into persons. It keeps the evidence (evidence.go), lets
//     persons become one (people.go) and part (part.go), finds values that several use (shared.go), and remembers what users
//     said (manual.go, barrier.go). Threads and who owns them are in stories.go.
//   - Chain and Foresee answer why two are one person, and what a user's word would bring about.
//
// The shell of all this is services/identify; package streams/oracle computes the same from scratch, for comparison.
package identity
