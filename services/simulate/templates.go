package simulate

import "strings"

// slot is a place in a template where a value goes.
type slot uint8

const (
	slotNone slot = iota
	slotID
	slotTime
	slotStory
	slotCustomer
	slotPhone
	slotDevice
	slotAgent
	slotTeam
	slotTopic
	slotText
	slotStars
)

var slotNames = map[string]slot{
	"id": slotID, "time": slotTime, "story": slotStory, "customer": slotCustomer, "phone": slotPhone, "device": slotDevice,
	"agent": slotAgent, "team": slotTeam, "topic": slotTopic, "text": slotText, "stars": slotStars,
}

// segment is some text and the slot behind it.
type segment struct {
	text []byte
	slot slot
}

// compile cuts a template at its %slots%.
func compile(template string) (out []segment) {
	for template != "" {
		text, rest, found := strings.Cut(template, "%")
		if !found {
			return append(out, segment{text: []byte(text)})
		}
		name, after, _ := strings.Cut(rest, "%")
		s, ok := slotNames[name]
		if !ok {
			panic("simulate: no slot " + name) // the templates are compiled in and tested
		}
		out = append(out, segment{[]byte(text), s})
		template = after
	}
	return out
}

const (
	head       = `{"id":"%id%","time":%time%,`
	byCustomer = `"direction":"inbound","actor":{"type":"customer","id":"%customer%"},`
	byAgent    = `"direction":"outbound","actor":{"type":"agent","id":"agent-%agent%","name":"Agent %agent%"},"team":"%team%",`
	byBot      = `"direction":"outbound","actor":{"type":"bot","id":"bot-1","name":"Ada"},`
	bySystem   = `"direction":"internal","actor":{"type":"system","id":"desk"},"team":"%team%",`
	known      = `{"type":"customer_id","value":"%customer%","verified":true}`
	cookie     = `{"type":"cookie","value":"ck-%customer%-%device%","verified":true}`
	email      = `{"type":"email","value":"c%customer%@mail.example","verified":true}`
	phone      = `{"type":"phone","value":"+491590%phone%","verified":true}`
	topics     = `"topic":"%topic%","language":"en","source":"bench",`
	text       = `"text":"%text%",`
	props      = `"properties":{"page":"/help/%topic%","priority":3}}`
)

// templates are four stories of five touchpoints: a chat that is anonymous until the customer logs in, a mail that a
// call follows, an order that is collected, and a complaint by messenger.
var templates = [stories][steps]string{
	{
		head + `"channel":"chat","kind":"message",` + byCustomer + `"identifiers":[` + cookie + `],"thread":["session:%story%"],` + topics + text + props,
		head + `"channel":"chat","kind":"message",` + byBot + `"thread":["session:%story%"],` + topics + text + props,
		head + `"channel":"chat","kind":"message",` + byCustomer + `"identifiers":[` + known + `,` + cookie + `,` + email + `],"thread":["session:%story%"],` + topics + text + props,
		head + `"channel":"chat","kind":"message",` + byAgent + `"identifiers":[` + known + `],"thread":["session:%story%"],` + topics + text + props,
		head + `"channel":"chat","kind":"conversation.resolved",` + bySystem + `"identifiers":[` + known + `],"thread":["session:%story%"],"tags":["solved"],` + topics + text + props,
	},
	{
		head + `"channel":"email","kind":"message",` + byCustomer + `"identifiers":[` + email + `],"thread":["message-id:<%story%.1@mail.example>"],"subject":"About %topic%",` + topics + text + props,
		head + `"channel":"email","kind":"message",` + byAgent + `"identifiers":[` + email + `],"thread":["ticket:T%story%","message-id:<%story%.1@mail.example>"],"subject":"Re: About %topic%",` + topics + text + props,
		head + `"channel":"phone","kind":"call.started",` + byCustomer + `"identifiers":[` + phone + `,` + known + `],"thread":["ticket:T%story%","call:%story%"],` + topics + text + props,
		head + `"channel":"phone","kind":"call.ended",` + byAgent + `"identifiers":[` + known + `,` + email + `],"thread":["ticket:T%story%","call:%story%"],` + topics + text + props,
		head + `"channel":"email","kind":"conversation.resolved",` + bySystem + `"identifiers":[` + known + `],"thread":["ticket:T%story%"],` + topics + text + props,
	},
	{
		head + `"channel":"app","kind":"order.placed",` + byCustomer + `"identifiers":[` + known + `,` + email + `,` + phone + `],"thread":["order:%story%"],` + topics + text + props,
		head + `"channel":"sms","kind":"pickup.ready",` + bySystem + `"identifiers":[` + phone + `],"thread":["order:%story%"],` + topics + text + props,
		head + `"channel":"store","kind":"pickup.collected",` + byCustomer + `"identifiers":[` + known + `],"thread":["order:%story%"],"tags":["kiosk-%device%"],` + topics + text + props,
		head + `"channel":"survey","kind":"survey.requested",` + bySystem + `"identifiers":[` + email + `],"thread":["order:%story%"],` + topics + text + props,
		head + `"channel":"survey","kind":"survey.answered",` + byCustomer + `"identifiers":[` + email + `],"thread":["order:%story%"],"rating":{"scale":"csat","value":%stars%},` + topics + text + props,
	},
	{
		head + `"channel":"whatsapp","kind":"message",` + byCustomer + `"identifiers":[` + phone + `],` + topics + text + props,
		head + `"channel":"whatsapp","kind":"message",` + byBot + `"identifiers":[` + phone + `],` + topics + text + props,
		head + `"channel":"whatsapp","kind":"bot.handed_over",` + bySystem + `"identifiers":[` + phone + `],"thread":["ticket:T%story%"],` + topics + text + props,
		head + `"channel":"whatsapp","kind":"message",` + byAgent + `"identifiers":[` + phone + `,` + known + `],"thread":["ticket:T%story%"],` + topics + text + props,
		head + `"channel":"whatsapp","kind":"conversation.resolved",` + bySystem + `"identifiers":[` + known + `],"thread":["ticket:T%story%"],` + topics + text + props,
	},
}

var (
	teamNames  = []string{"service", "orders", "billing", "technical", "returns"}
	topicNames = []string{"delivery", "invoice", "login", "warranty", "returns", "subscription", "pickup", "payment"}
	openings   = []string{
		"Hello, I have been waiting since last week and would like to know how this goes on. ",
		"Thank you for the quick answer. I have tried what you wrote, but nothing has changed. ",
		"Guten Tag, ich habe am Montag schon angerufen und leider noch nichts gehört. ",
		"I looked it up in the app: it still says that the parcel is on its way. ",
		"Vielen Dank für Ihre Geduld, wir haben uns den Vorgang noch einmal angesehen. ",
		"We have checked your case with the warehouse and found out what went wrong. ",
	}
	closings = []string{
		"Could you please call me back this afternoon?",
		"The amount goes back to your account within three days.",
		"Bitte geben Sie mir bis morgen Bescheid.",
		"Is there anything else that I can do for you?",
		"I would rather have it sent to the store round the corner.",
	}
)
