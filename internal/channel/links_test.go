package channel

import (
	"encoding/json"
	"testing"
	"time"

	"linkspan/internal/ids"
)

// A step says for how many days messages are kept, and none apart from nothing said, which is what one of the release before says.
func TestStepSaysDays(t *testing.T) {
	t.Parallel()
	var said Effect
	if err := json.Unmarshal([]byte(`{"link": {"name": "launch"}, "channel": {}}`), &said); err != nil || said.RetentionDays != nil {
		t.Errorf("of the release before: %v, %v", said.RetentionDays, err)
	}
	for _, days := range []*int32{nil, new(int32(30))} {
		group := ids.NewGroup()
		step := aboutLink(&LinkMove{
			Deed: DeedUpdateSide, Channel: &ChannelFacts{ID: ids.NewChannel(time.Now(), 1)}, Links: []*Link{{Group: group, RetentionDays: days}},
		}, StepChangeChannel, Group{ID: group})
		text, err := json.Marshal(step.Effect)
		if err != nil {
			t.Fatal(err)
		}
		said = Effect{}
		if err := json.Unmarshal(text, &said); err != nil || said.RetentionDays == nil {
			t.Fatalf("%s says nothing of days, %v", text, err)
		}
		if want := map[bool]int32{true: 0, false: 30}[days == nil]; *said.RetentionDays != want {
			t.Errorf("%s, want %d days", text, want)
		}
	}
}
