package source_test

import (
	"errors"
	"testing"

	"github.com/throughline/throughline/streams/signature"
	"github.com/throughline/throughline/streams/source/sourcetest"
)

// A ping that carries no proof is answered, and nothing else is taken without one.
func TestPingsWithoutProof(t *testing.T) {
	shop := sourcetest.Load(t, "woocommerce")
	reader := shop.NewReader(nil)
	known := func(string) []string { return []string{"a secret"} }
	ping := sourcetest.Read(t, shop, folder+"/woocommerce/ping.request")
	delete(ping.Request.Headers, "X-Wc-Webhook-Signature")
	if r, err := reader.Read(ping.Request, known, ping.Now); err != nil || r.Handshake == nil || len(r.Items) > 0 {
		t.Errorf("the ping: %+v, %v", r, err)
	}
	order := sourcetest.Read(t, shop, folder+"/woocommerce/placed.request")
	delete(order.Request.Headers, "X-Wc-Webhook-Signature")
	if r, err := reader.Read(order.Request, known, order.Now); !errors.Is(err, signature.ErrMissing) {
		t.Errorf("an order: %+v, %v", r, err)
	}
}
