package live

import (
	"bytes"
	"testing"
)

func FuzzHint(f *testing.F) {
	whole := append([]byte("\x01sixteen id bytes"), 0, 0, 0, 0, 0, 0, 0, 42)
	f.Add(whole)
	f.Add(whole[:10])
	f.Add(bytes.Repeat([]byte{0xff}, hintSize))
	f.Fuzz(func(t *testing.T, payload []byte) {
		log, reached, err := decodeHint(payload)
		if err != nil {
			return
		}
		if reached < 1 {
			t.Fatalf("reached %d", reached)
		}
		if again := encodeHint(log, reached); !bytes.Equal(again[:], payload) {
			t.Fatalf("%x became %x", payload, again)
		}
	})
}
