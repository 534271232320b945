package main

// identityCommands ask about the rules that people are told apart by and what came of them, and change both.
type identityCommands struct {
	Suggestions suggestionsCommand `cmd:"" help:"Who somebody claims to be, and nobody has decided yet, the strongest first."`
	Accept      acceptCommand      `cmd:"" help:"Say that a suggestion is so."`
	Refuse      refuseCommand      `cmd:"" help:"Say that a suggestion is not so; it does not come again."`
	Refusals    refusalsCommand    `cmd:"" help:"Links that a rule did not allow, newest first."`
	Shared      sharedCommand      `cmd:"" help:"Values that several persons use, which join nobody, newest first."`

	Rehearse rehearseCommand `cmd:"" help:"Run new rules on the whole log beside those in force, and show what they would change."`
	Promote  promoteCommand  `cmd:"" help:"Put the rules of a rehearsal in force."`
	Discard  discardCommand  `cmd:"" help:"Forget a rehearsal."`
}
