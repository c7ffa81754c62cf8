// Go's amqp091-go.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const patience = 10 * time.Second

// A line of the dialogue holds a message of a megabyte.
const lineMax = 4 << 20

// Request holds the arguments of every operation; each uses its own.
type Request struct {
	Do, URL, Name, Type, Queue, Exchange, Source, Destination, Key, Body  string
	Durable, Passive, Exclusive, Mandatory, Persistent, Multiple, Requeue bool
	AutoDelete                                                            bool `json:"auto_delete"`
	Arguments, Headers                                                    map[string]any
	Priority                                                              *uint8
	Expiration                                                            *string
	Count, Ms                                                             int
}

// Answer is one JSON object.
type Answer = map[string]any

var (
	connection *amqp.Connection
	channel    *amqp.Channel
	confirms   bool
	returns    chan amqp.Return
	arrived    chan amqp.Delivery
	unsettled  map[string]amqp.Delivery
)

func open() (err error) {
	channel, err = connection.Channel()
	if err != nil {
		return err
	}
	confirms = false
	returns = channel.NotifyReturn(make(chan amqp.Return, 16))
	arrived = make(chan amqp.Delivery, 64)
	unsettled = map[string]amqp.Delivery{}
	return nil
}

// table gives JSON's numbers the type that a Go program would use.
func table(values map[string]any) amqp.Table {
	result := amqp.Table{}
	for name, value := range values {
		if number, ok := value.(float64); ok {
			value = int64(number)
		}
		result[name] = value
	}
	return result
}

func plain(value any) any {
	switch value := value.(type) {
	case amqp.Table:
		result := Answer{}
		for name, item := range value {
			result[name] = plain(item)
		}
		return result
	case []any:
		result := make([]any, len(value))
		for index, item := range value {
			result[index] = plain(item)
		}
		return result
	case []byte:
		return string(value)
	case time.Time:
		return value.Unix()
	default:
		return value
	}
}

func hold(delivery amqp.Delivery) Answer {
	unsettled[string(delivery.Body)] = delivery
	answer := Answer{
		"body": string(delivery.Body), "redelivered": delivery.Redelivered,
		"exchange": delivery.Exchange, "key": delivery.RoutingKey,
		"headers": plain(delivery.Headers), "priority": delivery.Priority, "expiration": nil,
	}
	if delivery.Expiration != "" {
		answer["expiration"] = delivery.Expiration
	}
	return answer
}

func settle(body string) amqp.Delivery {
	delivery := unsettled[body]
	delete(unsettled, body)
	return delivery
}

func receive(count int, limit time.Duration) Answer {
	messages := []Answer{}
	deadline := time.After(limit)
	for len(messages) < count {
		select {
		case delivery := <-arrived:
			messages = append(messages, hold(delivery))
		case <-deadline:
			return Answer{"messages": messages}
		}
	}
	return Answer{"messages": messages}
}

func publish(r Request) (Answer, error) {
	message := amqp.Publishing{Body: []byte(r.Body), DeliveryMode: amqp.Transient, Headers: table(r.Headers)}
	if r.Persistent {
		message.DeliveryMode = amqp.Persistent
	}
	if r.Priority != nil {
		message.Priority = *r.Priority
	}
	if r.Expiration != nil {
		message.Expiration = *r.Expiration
	}
	answer := Answer{"confirmed": nil, "returned": nil}
	confirmation, err := channel.PublishWithDeferredConfirm(r.Exchange, r.Key, r.Mandatory, false, message)
	if err != nil || !confirms {
		return answer, err
	}
	limit, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	confirmed, err := confirmation.WaitContext(limit)
	answer["confirmed"] = confirmed
	select {
	case returned := <-returns:
		answer["returned"] = returned.ReplyCode
	default:
	}
	return answer, err
}

func queue(r Request) (Answer, error) {
	declare := channel.QueueDeclare
	if r.Passive {
		declare = channel.QueueDeclarePassive
	}
	queue, err := declare(r.Name, r.Durable, r.AutoDelete, r.Exclusive, false, table(r.Arguments))
	return Answer{"queue": queue.Name, "messages": queue.Messages, "consumers": queue.Consumers}, err
}

func exchange(r Request) error {
	declare := channel.ExchangeDeclare
	if r.Passive {
		declare = channel.ExchangeDeclarePassive
	}
	return declare(r.Name, r.Type, r.Durable, false, false, false, table(r.Arguments))
}

func consume(r Request) error {
	deliveries, err := channel.Consume(r.Queue, "", false, r.Exclusive, false, false, table(r.Arguments))
	if err != nil {
		return err
	}
	to := arrived
	go func() {
		for delivery := range deliveries {
			to <- delivery
		}
	}()
	return nil
}

func get(r Request) (Answer, error) {
	delivery, found, err := channel.Get(r.Queue, false)
	if err != nil || !found {
		return Answer{"message": nil}, err
	}
	return Answer{"message": hold(delivery)}, nil
}

func do(r Request) (Answer, error) {
	switch r.Do {
	case "connect":
		var err error
		if connection, err = amqp.Dial(r.URL); err != nil {
			return nil, err
		}
		return nil, open()
	case "close":
		return nil, connection.Close()
	case "channel":
		return nil, open()
	case "exchange":
		return nil, exchange(r)
	case "queue":
		return queue(r)
	case "bind":
		return nil, channel.QueueBind(r.Queue, r.Key, r.Exchange, false, table(r.Arguments))
	case "bind_exchange":
		return nil, channel.ExchangeBind(r.Destination, r.Key, r.Source, false, nil)
	case "purge":
		_, err := channel.QueuePurge(r.Queue, false)
		return nil, err
	case "delete_queue":
		_, err := channel.QueueDelete(r.Queue, false, false, false)
		return nil, err
	case "confirm":
		confirms = true
		return nil, channel.Confirm(false)
	case "publish":
		return publish(r)
	case "qos":
		return nil, channel.Qos(r.Count, 0, false)
	case "consume":
		return nil, consume(r)
	case "take":
		return receive(r.Count, patience), nil
	case "quiet":
		return receive(cap(arrived), time.Duration(r.Ms)*time.Millisecond), nil
	case "get":
		return get(r)
	case "ack":
		return nil, settle(r.Body).Ack(r.Multiple)
	case "reject":
		return nil, settle(r.Body).Reject(r.Requeue)
	case "nack":
		return nil, settle(r.Body).Nack(r.Multiple, r.Requeue)
	case "tx_select":
		return nil, channel.Tx()
	case "tx_commit":
		return nil, channel.TxCommit()
	case "tx_rollback":
		return nil, channel.TxRollback()
	default:
		return nil, fmt.Errorf("unknown operation %q", r.Do)
	}
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, lineMax)
	output := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var request Request
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			panic(err)
		}
		answer, err := do(request)
		var refused *amqp.Error
		switch {
		case errors.As(err, &refused):
			answer = Answer{"error": refused.Code}
		case err != nil:
			answer = Answer{"failed": err.Error()}
		case answer == nil:
			answer = Answer{}
		}
		if err := output.Encode(answer); err != nil {
			panic(err)
		}
	}
}
