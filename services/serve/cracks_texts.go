package serve

import "github.com/throughline/throughline/schemas/registry"

// crackTexts are what cracks are called, by kind, and what their evidence says.
var crackTexts = map[string]registry.Text{
	waitingPastTarget:  {EN: "Waits longer than promised", DE: "Wartet länger als versprochen"},
	closedWhileWaiting: {EN: "Closed while the customer waits", DE: "Geschlossen, während der Kunde wartet"},
	handedToNobody:     {EN: "Handed by the bot to nobody", DE: "Vom Bot an niemanden übergeben"},
	callbackNotMade:    {EN: "Promised call-back not made", DE: "Versprochener Rückruf fehlt"},
	notCollected:       {EN: "Ready and not collected", DE: "Bereit und nicht abgeholt"},
	answeredOnOne:      {EN: "Asked on two channels, answered on one", DE: "Auf zwei Kanälen gefragt, auf einem beantwortet"},
	transferNotOpened:  {EN: "Transfer never opened", DE: "Weiterleitung nie geöffnet"},
	complaintUnheard:   {EN: "Survey complaint without answer", DE: "Beschwerde in Umfrage ohne Antwort"},
}

// What conversations show.
var (
	saysWaits      = registry.Text{EN: "the customer waits", DE: "der Kunde wartet"}
	saysAsked      = registry.Text{EN: "the customer asked", DE: "der Kunde hat gefragt"}
	saysSettled    = registry.Text{EN: "it was settled without an answer", DE: "es wurde ohne Antwort erledigt"}
	saysOver       = registry.Text{EN: "it was settled", DE: "es wurde erledigt"}
	saysAnswered   = registry.Text{EN: "it was answered", DE: "es wurde beantwortet"}
	saysReopened   = registry.Text{EN: "it was taken up again", DE: "es wurde wieder aufgenommen"}
	saysAnsweredBy = registry.Text{EN: "it was answered on ", DE: "es wurde beantwortet über "}
	saysWaitsBy    = registry.Text{EN: "the customer waits on ", DE: "der Kunde wartet über "}
)

// in is the text in the language of the question.
func (q *crackQuery) in(t registry.Text) string { return t.In(q.language) }

// kindIn is what a kind of touchpoint is called; one that the registry does not have is its own name.
func (s *Server) kindIn(q *crackQuery, kind string) string {
	for _, k := range s.config.Registry.Kinds {
		if k.Name == kind {
			return q.in(k.Label)
		}
	}
	return kind
}

// channelIn is what a channel is called.
func (s *Server) channelIn(q *crackQuery, channel string) string {
	if known, ok := s.config.Registry.Channel(channel); ok {
		return q.in(known.Label)
	}
	return channel
}
