-- Every message tells its agent of the group's other chats: without this each looks through the bindings of all groups.
CREATE INDEX binding_by_group ON binding (group_name, chat_id);
