#!/usr/bin/env python3
"""Writes the rules of Betterleaks as betterleaks.toml: from_betterleaks.py SOURCE.toml > betterleaks.toml

SOURCE.toml is config/betterleaks.toml of the project; the crate kingfisher-rules carries it too, in
generated/upstream-sources.json.gz. Of each rule only what finds and rejects a value is taken.
"""

import re
import sys
import tomllib

# What other detectors of this crate look for by themselves, and what the values of are no secret:
# names of hosts, of users and of applications.
LEFT_OUT = re.compile(
    r"generic-.*|curl-.*|private-key|jwt|jwt-base64|kubernetes-secret-yaml|gcp-service-account"
    r"|gcp-application-default-credentials|aws-secret-access-key|nuget-config-password|pkcs12-file"
    r"|azure-(client|tenant)-id|azure-storage-account-name|sidekiq-sensitive-url"
    r"|cloudflare-account-id.*|cloudinary-cloud-name|planetscale-id|supabase-project-url"
    r"|.*(-host|-url|-domain|-username|-token-name)(\.\d)?|polymarket-address|mongodb-connection-string"
    r"|nvidia-api-key|infracost-api-token|hashicorp-tf-password|twilio-api-key|ovh-.*|azure-storage-account-key"
)
KEPT = {"slack-webhook-url"}
# Rules whose expression fits the names of code too.
JUMBLED = {"vault-service-token"}
# Keywords that say more than theirs, which may stand anywhere in the same file.
KEYS = {
    "azure-app-configuration-connection-string": ["endpoint="],
    "azure-servicebus-connection-string": ["endpoint=sb://"],
    "cloudflare-origin-ca-key": ["v1.0-"],
    "gocardless-api-token": ["gocardless"],
    "intra42-client-secret": ["s-s4t2"],
    "lob-api-key": ["lob"],
    "lob-pub-api-key": ["lob"],
    "minimax-api-key": ["sk-api-"],
    "new-relic-browser-api-token": ["new-relic", "newrelic", "new_relic"],
    "new-relic-insert-key": ["new-relic", "newrelic", "new_relic"],
    "new-relic-user-api-key": ["new-relic", "newrelic", "new_relic"],
    "resend-api-key.1": ["re_"],
    "typeform-api-token": ["typeform"],
    "woocommerce-consumer-secret.1": ["woo"],
}
OPENING = re.compile(r"\\b|\(\?[a-z]*(-[a-z]+)?\)|\(\?[a-z]*(-[a-z]+)?:|\(\?P<\w+>|\((?!\?)")


def begins_with(regex, keys):
    """Whether every match begins with one of the keywords."""
    while opening := OPENING.match(regex):
        regex = regex[opening.end() :]
    plain = re.sub(r"\\([-_.$/:+])", r"\1", regex).lower()
    heads = re.split(r"[()]", plain)[0].split("|")
    return all(head.startswith(tuple(keys)) for head in heads)


def reach(regex):
    """How many bytes after the keyword a match may end: more if its lengths are unbounded."""
    most = [int(n) for n in re.findall(r"\{\d+,(\d+)\}", regex)]
    most += [int(n) for n in re.findall(r"\{(\d+)\}", regex)]
    return 4096 if re.search(r"\{\d{2,},\}", regex) or sum(most) > 400 else 512


def quoted(text):
    return f"'{text}'" if "'" not in text else f"'''{text}'''"


def line(rule):
    regex, keys = rule["regex"], KEYS.get(rule["id"], rule["keywords"])
    members = [
        f'id = "{rule["id"]}"',
        "keys = [" + ", ".join(f'"{key}"' for key in keys) + "]",
        f"regex = {quoted(regex)}",
    ]
    test = rule.get("filter", "")
    if entropy := re.search(r'entropy\(finding\["secret"\]\) <=? ([\d.]+)', test):
        members.append(f"entropy = {float(entropy[1])}")
    if "tokenRatio" in test:
        members.append("words = false")
    if digits := re.search(r'!matchesAny\(finding\["secret"\], \["\^\(\?:\[\^0-9\]\*\[0-9\]\)\{(\d)', test):
        members.append(f"digits = {digits[1]}")
    elif rule["id"] in JUMBLED:
        members.append("digits = 1")
    if "valueGroup" in rule:
        members.append(f"group = {rule['valueGroup']}")
    if begins_with(regex, keys):
        members.append("first = true")
    if (far := reach(regex)) != 512:
        members.append(f"reach = {far}")
    return "    { " + ", ".join(members) + " },"


def main():
    with open(sys.argv[1], "rb") as source:
        rules = tomllib.load(source)["rules"]
    taken = [r for r in rules if r["id"] in KEPT or not LEFT_OUT.fullmatch(r["id"])]
    print("# Rules of Betterleaks, https://github.com/betterleaks/betterleaks, config/betterleaks.toml")
    print("# at b1aa878bc41b06583f6ce83bf0ffcc5e6ed8f4f3, cut down by from_betterleaks.py.")
    print("# Copyright (c) 2026 Zachary Rice. MIT licence, in THIRD-PARTY.md beside this file.")
    print("#")
    print("# keys: one of them, in whatever case, stands where the rule is tried. regex: its first group")
    print("# that matched is the secret, or the group named by number. first: every match begins with the")
    print("# keyword. entropy: bits per byte that the secret has at least. words = false: a secret that")
    print("# reads like words is none. digits: how many it has at least. reach: bytes after the keyword.")
    print("rules = [")
    for rule in taken:
        print(line(rule))
    print("]")


main()
