package load

import (
	"testing"
)

// TestJudge tells growth from what is flat, by the last two thirds.
func TestJudge(t *testing.T) {
	t.Parallel()
	samples := func(resident ...float64) (all []Sample) {
		for _, megabytes := range resident {
			all = append(all, Sample{Resident: megabytes * (1 << 20), LiveRows: 10, DeadRows: 1})
		}
		return all
	}
	for name, c := range map[string]struct {
		samples []Sample
		flat    bool
	}{
		"flat":                   {samples(200, 200, 200, 200, 200, 200), true},
		"warms up":               {samples(10, 100, 200, 200, 201, 200), true},
		"grows":                  {samples(200, 200, 200, 200, 230, 240), false},
		"a peak in the end":      {samples(200, 200, 200, 200, 200, 200, 200, 900, 200), true},
		"a little in per cent":   {samples(200, 200, 200, 200, 219, 219), true},
		"a little in megabytes":  {samples(20, 20, 20, 20, 27, 27), true},
		"more than that, though": {samples(20, 20, 20, 20, 29, 29), false},
	} {
		verdicts := judge(c.samples)
		if len(verdicts) != len(measures) || verdicts[0].What != "RSS MB" || verdicts[0].Flat != c.flat {
			t.Errorf("%s: %+v", name, verdicts)
		}
		if err := (MixedResult{Verdicts: verdicts}).Check(); (err == nil) != c.flat {
			t.Errorf("%s: it says %v", name, err)
		}
	}
	if verdicts := judge(samples(1, 2, 3, 4, 5)); verdicts != nil {
		t.Errorf("of five samples: %v", verdicts)
	}
}
