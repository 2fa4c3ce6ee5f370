package live

import (
	"bytes"
	"testing"
	"time"

	"linkspan/internal/channel"
	"linkspan/internal/ids"
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

func FuzzMark(f *testing.F) {
	group := ids.NewGroup()
	whole := encodeMark(channel.Marked{User: ids.UserOf(group, "ana"), Channel: ids.NewChannel(time.Now(), 7), UpTo: channel.Place{Public: 3, Private: 1}})
	f.Add(whole[:])
	f.Add(whole[:markSize-1])
	f.Add(make([]byte, markSize))
	f.Add(bytes.Repeat([]byte{0xff}, markSize))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m, err := decodeMark(payload)
		if err != nil {
			return
		}
		if m.UpTo.Public < 0 || m.UpTo.Private < 0 || m.UpTo.Rank != 0 {
			t.Fatalf("read up to %+v", m.UpTo)
		}
		if again := encodeMark(m); !bytes.Equal(again[:], payload) {
			t.Fatalf("%x became %x", payload, again)
		}
	})
}
