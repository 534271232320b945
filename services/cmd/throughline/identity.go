package main

// identityCommands ask about the rules that people are told apart by, and change them.
type identityCommands struct {
	Rehearse rehearseCommand `cmd:"" help:"Run new rules on the whole log beside those in force, and show what they would change."`
	Promote  promoteCommand  `cmd:"" help:"Put the rules of a rehearsal in force."`
	Discard  discardCommand  `cmd:"" help:"Forget a rehearsal."`
}
