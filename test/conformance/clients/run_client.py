"""Calls kafka-connect-py, as it is published: run_client.py BASE_URL CONNECTOR TOPIC. Prints what each call gave, a line each."""
import json
import sys
import time

from kafka_connect import KafkaConnect

base, name, topic = sys.argv[1:]
client = KafkaConnect(url=base)
config = {"connector.class": "FileStreamSink", "topics": topic, "file": "/dev/null", "tasks.max": "1"}


def show(call, answer):
    print(json.dumps({"call": call, "answer": answer}), flush=True)


def until(state, tasks=1):
    """Waits until the connector and so many tasks are in this state: a task's status comes after its connector's."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            status = client.get_connector_status(name)
            states = [task["state"] for task in status["tasks"]]
            if status["connector"]["state"] == state and states == [state] * tasks:
                return state
        except Exception as error:  # it has no status yet
            if time.monotonic() > end - 1:
                raise error
        time.sleep(0.1)
    return "timeout"


show("cluster", sorted(client.get_cluster_info()))
show("plugins", "FileStreamSink" in [plugin["class"] for plugin in client.list_connector_plugins()])
show("validate", client.validate_connector_config("FileStreamSink", {**config, "name": name})["error_count"])
show("create", client.create_connector({"name": name, "config": config})["name"])
show("running", until("RUNNING"))
show("list", name in client.list_connectors())
show("list with status", client.list_connectors(expand="status", pattern=name)[name]["status"]["name"])
show("get", client.get_connector(name)["type"])
show("config", client.get_connector_config(name)["topics"])
show("tasks", [task["id"]["task"] for task in client.list_connector_tasks(name)])
show("task status", client.get_connector_task_status(name, 0)["state"])
show("update", client.update_connector(name, {**config, "errors.tolerance": "all"})["config"]["errors.tolerance"])
client.restart_connector(name, include_tasks=True)
show("restarted", until("RUNNING"))
client.restart_connector_task(name, 0)
show("task restarted", until("RUNNING"))
client.pause_connector(name)
show("paused", until("PAUSED"))
client.resume_connector(name)
show("resumed", until("RUNNING"))
show("topics", list(client.list_connector_topics(name)))
client.stop_connector(name)
show("stopped", until("STOPPED", tasks=0))
client.delete_connector(name)
show("deleted", name not in client.list_connectors())
