"""An evaluator's install has neither paho nor protobuf; settings and checks must work there."""

import subprocess
import sys


def test_settings_and_checks_need_no_protocol_library():
    script = (
        "import sys\n"
        "from plantseal_connectors.mqtt import connector as mqtt\n"
        "from plantseal_connectors.sparkplug import connector as sparkplug\n"
        "from plantseal_connectors.tags import Tag, TagSpec\n"
        "tag = Tag(1, TagSpec(name='t', equipment='m', address='a#/b'))\n"
        "mqtt.check(mqtt.settings.model_validate({'host': 'h'}), [tag])\n"
        "node = {'host': 'h', 'group_id': 'g', 'edge_node_id': 'e'}\n"
        "assert sparkplug.devices(sparkplug.settings.model_validate(node), [tag]) == ('a',)\n"
        "loaded = {m.split('.')[0] for m in sys.modules}\n"
        "print(sorted(loaded & {'paho', 'google', 'amqtt'}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
