// A franz-go client that the cases of this folder drive: "produce" sends what it reads, "member" is a member of a group that
// tells on standard output what happens to it and does what it is told on standard input. One JSON object a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What a member is; a zero leaves the client's default.
type settings struct {
	Bootstrap   string   `json:"bootstrap"`
	Group       string   `json:"group"`
	Topics      []string `json:"topics"`
	Pattern     bool     `json:"pattern"`
	Balancer    string   `json:"balancer"`
	Instance    string   `json:"instance"`
	SessionMs   int      `json:"session_ms"`
	HeartbeatMs int      `json:"heartbeat_ms"`
	MetadataMs  int      `json:"metadata_ms"`
	FetchMs     int      `json:"fetch_ms"`
}

type message struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Value     string `json:"value"`
}

type command struct {
	Do        string `json:"do"`
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

var output sync.Mutex

func tell(what string, content any) {
	line, err := json.Marshal(map[string]any{what: content})
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(line))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	var wanted settings
	if err := json.Unmarshal([]byte(os.Args[2]), &wanted); err != nil {
		fail(err)
	}
	switch os.Args[1] {
	case "produce":
		produce(wanted)
	case "member":
		join(wanted)
	}
}

// Sends every message of standard input to the partition that it names, and tells their offsets in that order.
func produce(wanted settings) {
	client, err := kgo.NewClient(kgo.SeedBrokers(wanted.Bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		fail(err)
	}
	var records []*kgo.Record
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var sent message
		if err := json.Unmarshal(lines.Bytes(), &sent); err != nil {
			fail(err)
		}
		records = append(records, &kgo.Record{Topic: sent.Topic, Partition: sent.Partition, Value: []byte(sent.Value)})
	}
	results := client.ProduceSync(context.Background(), records...)
	if err := results.FirstErr(); err != nil {
		fail(err)
	}
	offsets := make([]int64, len(records))
	for at, record := range records {
		offsets[at] = record.Offset
	}
	tell("answer", offsets)
	client.Close()
}

type member struct {
	client *kgo.Client
	group  string
	share  map[string]map[int32]bool
}

func join(wanted settings) {
	self := &member{group: wanted.Group, share: map[string]map[int32]bool{}}
	options := []kgo.Opt{
		kgo.SeedBrokers(wanted.Bootstrap), kgo.ConsumerGroup(wanted.Group), kgo.ConsumeTopics(wanted.Topics...), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(self.changed("assigned", true)),
		kgo.OnPartitionsRevoked(self.changed("revoked", false)),
		kgo.OnPartitionsLost(self.changed("lost", false)),
	}
	if wanted.Pattern {
		options = append(options, kgo.ConsumeRegex())
	}
	if wanted.Balancer == "range" {
		options = append(options, kgo.Balancers(kgo.RangeBalancer()))
	}
	if wanted.Instance != "" {
		options = append(options, kgo.InstanceID(wanted.Instance))
	}
	if wanted.SessionMs > 0 {
		options = append(options, kgo.SessionTimeout(milliseconds(wanted.SessionMs)))
	}
	if wanted.HeartbeatMs > 0 {
		options = append(options, kgo.HeartbeatInterval(milliseconds(wanted.HeartbeatMs)))
	}
	if wanted.MetadataMs > 0 {
		options = append(options, kgo.MetadataMaxAge(milliseconds(wanted.MetadataMs)), kgo.MetadataMinAge(milliseconds(wanted.MetadataMs)/2))
	}
	if wanted.FetchMs > 0 {
		options = append(options, kgo.FetchMaxWait(milliseconds(wanted.FetchMs)))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		fail(err)
	}
	self.client = client
	go self.obey()
	for {
		fetches := client.PollFetches(context.Background())
		if fetches.IsClientClosed() {
			select {} // until obey has told so
		}
		fetches.EachError(func(_ string, _ int32, err error) { tell("error", err.Error()) })
		fetches.EachRecord(func(got *kgo.Record) {
			tell("record", message{got.Topic, got.Partition, got.Offset, string(got.Value)})
		})
	}
}

func milliseconds(count int) time.Duration {
	return time.Duration(count) * time.Millisecond
}

// Tells of a rebalance: what was given or taken, and what the member then has. The client makes one such call at a time.
func (self *member) changed(what string, has bool) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(_ context.Context, _ *kgo.Client, partitions map[string][]int32) {
		for topic, numbers := range partitions {
			if self.share[topic] == nil {
				self.share[topic] = map[int32]bool{}
			}
			for _, number := range numbers {
				self.share[topic][number] = has
			}
		}
		all := map[string][]int32{}
		for topic, numbers := range self.share {
			for number, has := range numbers {
				if has {
					all[topic] = append(all[topic], number)
				}
			}
		}
		tell("rebalance", map[string]any{"what": what, "partitions": partitions, "share": all})
	}
}

// Does what standard input says, one after the other, and answers each.
func (self *member) obey() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var told command
		if err := json.Unmarshal(lines.Bytes(), &told); err != nil {
			fail(err)
		}
		answer, err := self.do(told)
		if err != nil {
			answer = "error: " + err.Error()
		}
		tell("answer", answer)
		if told.Do == "leave" {
			os.Exit(0)
		}
	}
}

func (self *member) do(told command) (any, error) {
	context := context.Background()
	at := map[string]map[int32]kgo.EpochOffset{told.Topic: {told.Partition: {Epoch: -1, Offset: told.Offset}}}
	partition := map[string][]int32{told.Topic: {told.Partition}}
	switch told.Do {
	case "commit":
		return "done", self.client.CommitUncommittedOffsets(context)
	case "commit offset":
		var failed error
		self.client.CommitOffsetsSync(context, at, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, answer *kmsg.OffsetCommitResponse, err error) {
			failed = err
			if err == nil {
				failed = kerr.ErrorForCode(answer.Topics[0].Partitions[0].ErrorCode)
			}
		})
		return "done", failed
	case "committed":
		return self.committed(context)
	case "pause":
		self.client.PauseFetchPartitions(partition)
	case "resume":
		self.client.ResumeFetchPartitions(partition)
	case "seek":
		self.client.SetOffsets(at)
	case "leave":
		self.client.CloseAllowingRebalance()
	}
	return "done", nil
}

// What the broker has of this group: topic, partition, offset.
func (self *member) committed(context context.Context) (any, error) {
	request, group := kmsg.NewPtrOffsetFetchRequest(), kmsg.NewOffsetFetchRequestGroup()
	group.Group = self.group
	request.Groups = append(request.Groups, group)
	answer, err := request.RequestWith(context, self.client)
	if err != nil {
		return nil, err
	}
	found := [][]any{}
	for _, topic := range answer.Groups[0].Topics {
		for _, partition := range topic.Partitions {
			found = append(found, []any{topic.Topic, partition.Partition, partition.Offset})
		}
	}
	return found, kerr.ErrorForCode(answer.Groups[0].ErrorCode)
}
